/**
 * Kills worker, compute process and server at random moments of real runs, and compares with an undisturbed run:
 * the bytes are the same, and no artifact was made twice. `LLM_BARBER_KILLS=10 npx vitest run test/durability` kills each ten times.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineResult } from '../../activities/result.js';
import { runningServer } from '../../app/cli/local/server-record.js';
import { demoFolder, temporaryState } from '../helpers/demo-run.js';
import { repeatedForwards, storeLog as readStoreLog } from '../../tools/bench/faults/judge.js';
import { ownNamespace, type OwnNamespace } from '../helpers/shared-server.js';

const kills = Number(process.env['LLM_BARBER_KILLS'] ?? '1');
const command = resolve('app/cli/bin/temporal-pipeline.mjs');
const pipelineFile = join(demoFolder, '..', 'demo.yaml');

type Result = PipelineResult & { status: string; workflowId: string };

interface Finished {
  result: Result;
  /** Seconds from the first finished unit of work to the end. */
  seconds: number;
}

const storeLog = (state: string): string => join(state, 'artifacts', 'log.jsonl');

let shared: OwnNamespace;
beforeAll(async () => {
  shared = await ownNamespace('kills');
});
afterAll(() => shared.client.connection.close());

/**
 * Runs `run --json` in a separate process. It uses the shared server, or its own server for tests that kill the server. `disturb` is
 * called once the first unit of work is finished.
 */
async function runDemo(state: string, settings: readonly string[], { ownServer = false, disturb }: { ownServer?: boolean; disturb?: () => Promise<void> } = {}): Promise<Finished> {
  const overrides = ['calibration.samples=8', ...settings].flatMap((setting) => ['--set', setting]);
  const child = spawn(process.execPath, [command, 'run', pipelineFile, '--json', '--state', state, ...overrides], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(ownServer ? {} : shared.env) },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exit = new Promise<number | null>((done) => child.on('close', done));
  while (!existsSync(storeLog(state)) && child.exitCode === null) await sleep(20);
  const started = performance.now();
  await disturb?.();
  const code = await exit;
  expect(code, stderr).toBe(0);
  return { result: JSON.parse(stdout) as Result, seconds: (performance.now() - started) / 1000 };
}

/** Finds the processes to kill, by state folder. */
const targets = {
  worker: (state: string) => find(state, / worker( |$)/),
  'compute process': (state: string) => find(state, /programs\/compute\.js/),
  // The server runs inside its folder, so its command line does not contain the state folder.
  server: async (state: string) => [await runningServer(state)].flatMap((server) => (server === undefined ? [] : [server.pid])),
};

/** Finds process ids by their command lines. Other runs on this machine have other state folders. */
function find(state: string, what: RegExp): number[] {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(state) && what.test(line) && !line.includes(' run ')).map((line) => Number.parseInt(line, 10));
}

/** Kills a process. Returns false if it has ended by itself already. */
function isKilled(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** Retries `find` for a few seconds, because a worker may be starting. */
async function firstFound(find: () => number[] | Promise<number[]>): Promise<number[]> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const pids = await find();
    if (pids.length > 0 || Date.now() > deadline) return pids;
    await sleep(50);
  }
}

/** Digests of checkpoint and mask. */
function outputs({ checkpoint, mask }: Result): Record<string, string> {
  const files = readdirSync(checkpoint, { recursive: true, encoding: 'utf8' }).map((name) => join(checkpoint, name));
  const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
  const names = [...files.filter((file) => statSync(file).isFile()), mask];
  return Object.fromEntries(names.map((file) => [relative(join(checkpoint, '..'), file), digest(file)]));
}

/** Files of hidden states that a run left behind. */
function hiddenLeft(state: string): string[] {
  const folder = join(state, 'artifacts', 'hidden');
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.f32')) : [];
}

/** Keys of masks and perplexities that were made more than once. */
async function madeTwice(state: string): Promise<string[]> {
  const lines = (await readFile(storeLog(state), 'utf8')).trim().split('\n');
  const made = lines.map((line) => JSON.parse(line) as { event: string; kind: string; key: string }).filter(({ event }) => event === 'made');
  const keys = made.filter(({ kind }) => kind !== 'hidden').map(({ kind, key }) => `${kind}/${key}`);
  return keys.filter((key, index) => keys.indexOf(key) !== index);
}

/** The pipelines that are killed: a published rebuild, one with a dense path beside it, and guarded ones, one of updated weights. */
const pipelines: [string, string[]][] = [
  ['published, without repeated forwards', ['rebuild.strategy=published', 'durability.maxLoss=0']],
  ['best', ['rebuild.strategy=best']],
  ['SparseGPT, guarded, with some hidden states on disk', ['initialMask.method=sparsegpt', 'rebuild.strategy=guarded', 'durability.maxLoss=0.01']],
  ['a mixture of experts, guarded', [`model.source=${resolve('test/golden/mixtures/mixtral')}`, 'rebuild.strategy=guarded', 'durability.maxLoss=0.01']],
];

describe.each(pipelines)('kill -9 at random moments: %s', (_, settings) => {
  let undisturbed: Finished;
  const states: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    const { state, remove } = await temporaryState();
    states.push(remove);
    undisturbed = await runDemo(state, settings);
  });
  afterAll(async () => {
    for (const remove of states) await remove();
  });

  for (const target of Object.keys(targets) as (keyof typeof targets)[]) {
    it(`of the ${target}: gives the same bytes, and repeats no finished work`, { timeout: 300_000 * kills }, async () => {
      let done = 0;
      for (let attempt = 0; done < kills && attempt < 10 * kills; attempt++) {
        const { state, remove } = await temporaryState();
        states.push(remove);
        const moment = Math.random() * undisturbed.seconds;
        const disturb = async (): Promise<void> => {
          await sleep(moment * 1000);
          if ((await firstFound(() => targets[target](state))).filter(isKilled).length > 0) done++;
        };
        const { result } = await runDemo(state, settings, { ownServer: target === 'server', disturb });
        expect(result.status).toBe('completed');
        expect(outputs(result)).toEqual(outputs(undisturbed.result));
        expect(result.perplexity).toEqual(undisturbed.result.perplexity);
        expect(await madeTwice(state)).toEqual([]);
        if (settings.includes('durability.maxLoss=0')) expect(repeatedForwards(readStoreLog(join(state, 'artifacts')))).toEqual([]);
        expect(hiddenLeft(state)).toEqual([]);
      }
      expect(done).toBe(kills);
    });
  }
});
