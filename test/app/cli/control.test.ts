/** Pause, resume, retry, watch and list, used as a user would, against a real server and worker. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryProgress } from '../../../app/cli/progress/follow.js';
import { pauseSignal, type PipelineProgress, type PipelineResult } from '../../../workflows/protocol.js';
import { demoFolder } from '../../helpers/demo-run.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from './run-command.js';
import { startWorker, type Program } from './run-program.js';

const demo = path.join(demoFolder, '..', 'demo.yaml');
requireTemporalCli();
/** A short evaluation, because only the control of runs is tested here. */
const little = ['--set', 'evaluation.states=[rebuilt]'];
const other = [...little, '--set', 'name=other', '--set', 'initialMask.pattern=2:4', '--set', 'initialMask.sparsity=0.5', '--set', 'rebuild.strategy=published'];

type Started = { workflowId: string; runId: string };
type Result = PipelineResult & { status: string };

describe('control of runs', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'control-'));
  const state = path.join(folder, 'state');
  let worker: Program;
  let own: OwnNamespace;
  let client: Client;
  let run: Started;

  beforeAll(async () => {
    own = await ownNamespace('control');
    ({ client } = own);
    worker = await serve();
  });
  afterAll(async () => {
    worker.process.kill('SIGTERM');
    await worker.ended;
    await client.connection.close();
    rmSync(folder, { recursive: true });
  });

  async function until<T>(find: () => Promise<T | undefined> | T | undefined): Promise<T> {
    for (;;) {
      const found = await find();
      if (found !== undefined) return found;
      await sleep(20);
    }
  }
  const serve = (): Promise<Program> => startWorker(state, { env: own.env });
  const call = (...words: string[]) => runCommand([...words, '--state', state], { env: own.env });
  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await call(...words, '--json');
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as T;
  }
  const progressWhen = (isSo: (progress: PipelineProgress) => boolean): Promise<PipelineProgress> =>
    until(async () => {
      const progress = await queryProgress(client, run).catch(() => undefined);
      return progress !== undefined && isSo(progress) ? progress : undefined;
    });
  /** The events of the store after the first `from`: `made mask`, `found tokens`, ..., with keys. */
  function storeLog(from = 0): { event: string; kind: string; key: string }[] {
    const lines = readFileSync(path.join(state, 'artifacts', 'log.jsonl'), 'utf8').trim().split('\n');
    return lines.slice(from).map((line) => JSON.parse(line) as { event: string; kind: string; key: string });
  }
  const made = (from: number, kind: string): string[] => storeLog(from).flatMap((entry) => (entry.event === 'made' && entry.kind === kind ? [entry.key] : []));
  const maskBytes = ({ mask }: Result): string => createHash('sha256').update(readFileSync(mask)).digest('hex');

  /**
   * Starts the demo, and pauses it once a layer is rebuilt. If the run ended before the signal arrived, because the machine is slow,
   * it tries again with more calibration samples.
   */
  async function holdBetweenLayers(): Promise<PipelineProgress> {
    for (const samples of [64, 128, 192, 224]) {
      const { workflowId, runId } = await json<Started>('start', demo, ...little, '--set', `calibration.samples=${samples}`);
      run = { workflowId, runId };
      await progressWhen(({ stages }) => (stages[2]?.done ?? 0) > 0);
      const paused = await client.workflow.getHandle(run.workflowId).signal(pauseSignal).then(() => true, () => false);
      const held = await progressWhen(({ pause, stages }) => pause === 'reached' || stages[3]?.state === 'done');
      if (!paused || held.pause !== 'reached') continue;
      expect(held.stages[3]?.state).not.toBe('done');
      expect(await json('pause', run.workflowId)).toMatchObject({ ...run, status: 'paused' });
      return held;
    }
    throw new Error('every run ended before it could be paused');
  }

  let first: Result;
  let kept = 0;

  it('a paused run holds between two layers while its worker does other work and is replaced, and continues when resumed', { timeout: 300_000 }, async () => {
    const held = await holdBetweenLayers();
    const busy = await call('retry', run.workflowId, '--from', 'rebuild');
    expect(busy).toMatchObject({ code: 2, stderr: expect.stringContaining('is running') as string });

    worker.process.kill('SIGKILL');
    await worker.ended;
    worker = await serve();
    const { workflowId } = await json<Started>('start', demo, ...other);
    expect(await json('watch', workflowId)).toMatchObject({ status: 'completed', pattern: '2:4' });
    expect((await progressWhen(() => true)).stages).toEqual(held.stages);
    const { pipelines } = await json<{ pipelines: unknown[] }>('list', '--method', 'guarded');
    expect(pipelines).toContainEqual(expect.objectContaining({ ...run, status: 'paused' }));

    await json('resume', run.workflowId);
    first = await json<Result>('watch', run.workflowId);
    expect(first).toMatchObject({ status: 'completed', name: 'demo' });
    const masks = made(0, 'mask');
    expect(new Set(masks).size).toBe(masks.length);
    kept = storeLog().length;
  });

  it('retry recomputes a stage and all later ones, and a retry of all stages gives the same bytes as a paused and resumed run', { timeout: 300_000 }, async () => {
    const [complete, unknown] = await Promise.all([call('retry', run.workflowId), call('retry', run.workflowId, '--from', 'rebuilt')]);
    expect(complete).toMatchObject({ code: 2, stderr: expect.stringContaining('--from') as string });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('3 rebuild') as string });
    const again = await json<Started>('retry', run.workflowId, '--from', 'rebuild');
    expect(again.workflowId).toBe(run.workflowId);
    expect(again.runId).not.toBe(run.runId);
    const second = await json<Result>('watch', run.workflowId);
    const layers = first.model.layers;
    // The rebuilt masks of the layers, the tokens of the evaluation, and one perplexity.
    expect(['mask', 'tokens', 'perplexity'].map((kind) => made(kept, kind).length)).toEqual([layers, 1, 1]);
    expect(storeLog(kept).filter(({ event, kind }) => event === 'found' && kind === 'mask')).toHaveLength(layers);
    const afterSecond = storeLog().length;

    await json('retry', run.workflowId, '--from', '1');
    const third = await json<Result>('watch', run.workflowId);
    expect(['mask', 'tokens', 'perplexity'].map((kind) => made(afterSecond, kind).length)).toEqual([2 * layers, 2, 1]);
    expect(third.reused).toBe(0);
    for (const result of [second, third]) {
      expect(maskBytes(result)).toBe(maskBytes(first));
      expect(result.perplexity).toEqual(first.perplexity);
    }
  });

  it('says why there is nothing to control, and how a run is named', async () => {
    const said = async (...words: string[]): Promise<string> => (await call(...words)).stderr;
    expect(await said('pause', run.workflowId)).toMatch(/is not running: completed\. There is nothing to pause\./);
    expect(await said('resume', run.workflowId)).toMatch(/is not running: completed\. There is nothing to resume\./);
    expect(await said('pause', demo)).toMatch(/no run of .*demo\.yaml with these settings is known to the server .*; expected the file and each --set with which the run was started/);
    expect(await said('watch', 'demo')).toMatch(/no pipeline with workflow id demo is known to the server; expected a workflow id, or a pipeline file/);
  });

  it('watch needs the address of the server but no state folder', async () => {
    const elsewhere = path.join(folder, 'elsewhere');
    const nowhere = await runCommand(['watch', run.workflowId, '--state', elsewhere]);
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('TEMPORAL_ADDRESS') as string });
    const watched = await runCommand(['watch', run.workflowId, '--json', '--state', elsewhere], { env: own.env });
    expect(watched.code, watched.stderr).toBe(0);
    expect(JSON.parse(watched.stdout)).toMatchObject({ workflowId: run.workflowId, status: 'completed', mask: first.mask });
    expect(existsSync(elsewhere)).toBe(false);
  });

  it("runs are found by their labels, here and with Temporal's own queries", async () => {
    const names = async (...words: string[]) => (await json<{ pipelines: { name: string }[] }>('list', ...words)).pipelines.map(({ name }) => name);
    expect(await names('--model', 'model', '--sparsity', '0.5', '--pattern', '2:4')).toEqual(['other']);
    expect(new Set(await names('--method', 'guarded'))).toEqual(new Set(['demo']));
    expect(await names('--sparsity', '0.25')).toEqual([]);
    expect((await call('list', '--sparsity', 'half')).code).toBe(2);
    const found: string[] = [];
    const query = "PruningModel = 'model' AND PruningSparsity = 0.5 AND PruningPattern = '2:4' AND PruningMethods = 'published'";
    for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
    expect(found).toEqual([expect.stringMatching(/^other-/)]);
  });
});
