/** Runs whose artifacts are in a bucket, used as a user would, against a real Temporal server and a real S3 server. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoFolder } from '../../helpers/demo-run.js';
import { needs, where } from '../../helpers/needs.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { S3Server } from '../../helpers/s3-server.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from './run-command.js';
import { startProgram, type Ended, type Program } from './run-program.js';

requireTemporalCli();

const folder = mkdtempSync(path.join(tmpdir(), 'store-cli-'));
const file = path.join(folder, 'small.yaml');
const states: string[] = [];
const newState = (): string => {
  states.push(path.join(folder, `state-${states.length}`));
  return states[states.length - 1];
};

let own: OwnNamespace;

beforeAll(async () => {
  own = await ownNamespace('store');
  // So many stages that a test that waits for the first mask, however slowly, is there long before the last one.
  writeFileSync(file, `version: 1
name: small
model: { source: ${path.join(demoFolder, 'model')} }
stages:
  - calibration: { dataset: { file: ${path.join(demoFolder, 'calibration.txt')} }, samples: 8, sequenceLength: 32 }
  - initialMask: { method: wanda, sparsity: 0.5 }
${'  - rebuild: { strategy: published, ratio: 0.1 }\n'.repeat(6)}  - evaluation: { perplexity: [{ dataset: { file: ${path.join(demoFolder, 'heldout.txt')} }, maxWindows: 4 }] }
`);
});
afterAll(async () => {
  await own?.client.connection.close();
  rmSync(folder, { recursive: true });
});

interface Result {
  checkpoint: string;
  mask: string;
  perplexity: { rebuilt: Record<string, number> };
}
const resultOf = ({ code, stdout, stderr }: Ended): Result => {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Result;
};
const bytesOf = ({ checkpoint, mask }: Result): Buffer[] => [...readdirSync(checkpoint).filter((name) => name.endsWith('.safetensors')).map((name) => path.join(checkpoint, name)), mask].map((name) => readFileSync(name));
const eventsOf = (state: string): string[] => readFileSync(path.join(state, 'artifacts', 'log.jsonl'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { event: string; kind: string })).filter(({ kind }) => kind !== 'hidden').map(({ event }) => event);

/** Waits until a condition holds, which must happen while a program runs. */
async function until(isSo: () => boolean | Promise<boolean>, during: Program): Promise<void> {
  while (!(await isSo())) {
    expect(during.process.exitCode, during.said()).toBeNull();
    await sleep(20);
  }
}
/** Returns why the activities that are being retried have failed. */
async function failures(): Promise<string[]> {
  const messages: string[] = [];
  for await (const { workflowId } of own.client.workflow.list({ query: "ExecutionStatus = 'Running'" })) {
    const { raw } = await own.client.workflow.getHandle(workflowId).describe();
    messages.push(...(raw.pendingActivities ?? []).map(({ lastFailure }) => lastFailure?.message ?? ''));
  }
  return messages;
}

describe('a run in a bucket', where(needs.s3Server), () => {
  let s3: S3Server;
  beforeAll(async () => {
    s3 = await S3Server.start(path.join(folder, 's3'));
  });
  afterAll(() => s3.kill());

  it('survives a kill of the S3 server, is found in full from another machine, and has the bytes of a local run', async () => {
    const env = { ...own.env, ...s3.environment, LLM_BARBER_STORE: 's3://barber/runs' };
    const state = newState();
    const run = startProgram('temporal-pipeline', ['run', file, '--json', '--state', state], { env });
    await until(() => existsSync(path.join(state, 'artifacts', 'mask')), run);
    await s3.kill();
    // Wait until an attempt of an activity has failed, after all retries of the SDK.
    await until(async () => (await failures()).some((message) => message.includes('s3://barber/runs')), run);
    await s3.start();
    const shared = resultOf(await run.ended);
    const made = eventsOf(state).filter((event) => event === 'made').length;

    const other = newState();
    const again = resultOf(await runCommand(['run', file, '--json', '--state', other], { env }));
    expect(new Set(eventsOf(other))).toEqual(new Set(['found']));

    const local = newState();
    const alone = resultOf(await runCommand(['run', file, '--json', '--state', local], { env: own.env }));
    // Nothing that was finished when the server went away was recomputed.
    expect(made).toBe(eventsOf(local).filter((event) => event === 'made').length);
    for (const result of [shared, again]) {
      expect(result.perplexity).toEqual(alone.perplexity);
      expect(bytesOf(result).every((bytes, index) => bytes.equals(bytesOf(alone)[index]))).toBe(true);
    }

    const verified = await runCommand(['store', 'verify', '--json', '--state', other], { env });
    expect(verified.code, verified.stderr).toBe(0);
    const { places } = JSON.parse(verified.stdout) as { places: { place: string; held: number; damaged: string[] }[] };
    expect(places.map(({ place, damaged }) => [place, damaged])).toEqual([['s3://barber/runs/', []], [path.join(other, 'artifacts'), []]]);
    // Besides the artifacts of the stages: checkpoint and mask, which are the same, and the reports of both machines.
    expect(places[0].held).toBe(made + 4);
    for (const text of [run.said(), ...readdirSync(path.join(state, 'logs')).map((name) => readFileSync(path.join(state, 'logs', name), 'utf8'))]) expect(text).not.toContain(s3.environment['AWS_SECRET_ACCESS_KEY']);
  });

  it('reports a missing bucket at once', async () => {
    const { code, stderr } = await runCommand(['run', file, '--state', newState(), '--store', 's3://no-such-bucket/x'], { env: { ...own.env, ...s3.environment } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/NoSuchBucket.*Create the bucket, or correct --store/);
  });
});

describe('store', () => {
  it('lists, verifies and collects garbage, but nothing that a run in progress needs', async () => {
    const state = newState();
    const call = (...words: string[]): Promise<Ended> => runCommand(['store', ...words, '--state', state], { env: own.env });
    const run = startProgram('temporal-pipeline', ['run', file, '--state', state], { env: own.env });
    const masks = path.join(state, 'artifacts', 'mask');
    await until(() => existsSync(masks), run);
    // An interrupted run is still in progress on the server.
    run.process.kill('SIGINT');
    expect((await run.ended).code).toBe(130);

    const age = (): void => {
      const longAgo = new Date(Date.now() - 30 * 24 * 3600 * 1000);
      for (const name of readdirSync(path.join(state, 'artifacts'), { recursive: true }) as string[]) if (name.endsWith('manifest.json')) utimesSync(path.join(state, 'artifacts', name), longAgo, longAgo);
    };
    const artifacts = (): number => (readdirSync(path.join(state, 'artifacts'), { recursive: true }) as string[]).filter((name) => name.endsWith('manifest.json') && !name.startsWith('damaged')).length;
    age();
    const there = artifacts();
    expect(there).toBeGreaterThan(1);
    const first = await call('gc');
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/old ones stay, because runs in progress or kept outputs need them/);
    // The last artifact may come from an activity that was killed before it could report it.
    expect(there - artifacts()).toBeLessThanOrEqual(1);

    const tooShort = await call('gc', '--older-than', '1s');
    expect(tooShort.code).toBe(2);
    expect(tooShort.stderr).toContain('--older-than 1s is too short; expected at least 10m');

    expect((await runCommand(['run', file, '--json', '--state', state], { env: own.env })).code).toBe(0);
    const mask = readdirSync(masks, { recursive: true }).map(String).find((name) => name.endsWith('.bits') || name.endsWith('.safetensors')) ?? '';
    const damaged = path.join(masks, mask);
    const bytes = readFileSync(damaged);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(damaged, bytes);
    const verified = await call('verify');
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/mask\/[0-9a-f]{64} was damaged; runs that need it recompute it/);

    age();
    const dry = await call('gc', '--dry-run');
    expect(dry.stdout).toContain('would be removed');
    expect(artifacts()).toBeGreaterThan(0);
    await call('gc');
    expect(artifacts()).toBe(0);
    expect((await call('list')).stdout).toContain('There are no artifacts.');
  });
});
