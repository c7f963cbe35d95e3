/** Tests one run on several workers with a calibration in four shards, with a real server and real processes. One of its rebuilds is guarded. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestsOf, madeAgain, storeLog } from '../../tools/bench/faults/judge.js';
import { TestCluster, Server } from '../../tools/bench/faults/test-cluster.js';
import type { WorkerProcess } from '../../tools/bench/faults/worker-process.js';
import { retryWhileUnavailable } from '../../app/cli/client.js';
import { startPipeline } from '../../app/cli/start-pipeline.js';
import type { Pipeline } from '../../app/config/pipeline.js';
import { digestOf } from '../../files/artifacts/index.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { demoPipeline, longPipeline, rebuildStageOf } from '../helpers/demo-run.js';
import { requireBuild, requireTemporalCli } from '../helpers/set-up.js';

requireBuild();
requireTemporalCli();

/** Makes the first of several published rebuilds a guarded one. Its sub-blocks have several steps. */
const withGuarded = (...settings: string[]) => (pipeline: Pipeline): Pipeline => {
  const first = pipeline.stages.findIndex(({ type }) => type === 'rebuild');
  const guarded = rebuildStageOf(demoPipeline(['rebuild.strategy=guarded', 'rebuild.rounds=2', ...settings]));
  return { ...pipeline, stages: pipeline.stages.with(first, guarded).toSpliced(first + 1, 2) };
};

describe('a run in shards', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shards-'));
  const clusters: TestCluster[] = [];
  let server: Server;
  let alone: PipelineResult;
  let expected: Record<string, string>;

  const patiently = <T>(call: () => Promise<T>): Promise<T> => retryWhileUnavailable(call, new AbortController().signal);
  const resultOf = (handle: WorkflowHandle): Promise<PipelineResult> => patiently(() => handle.result() as Promise<PipelineResult>);

  async function build(name: string, workers: number): Promise<TestCluster> {
    const cluster = await TestCluster.build(server, folder, name, workers);
    clusters.push(cluster);
    return cluster;
  }
  /** Starts a run on the workers of a cluster, whose task queue has the cluster's name. */
  async function start(cluster: string, shards: number, strategies = withGuarded('rebuild.weights=refit')): Promise<WorkflowHandle> {
    const pipeline = strategies(longPipeline(`${cluster}-${shards}`, ['calibration.samples=16', 'rebuild.strategy=published', `calibration.shards=${shards}`]));
    const { workflowId } = await startPipeline(server.client, { pipeline, digest: digestOf(pipeline) } as Parameters<typeof startPipeline>[1], cluster);
    return server.client.workflow.getHandle(workflowId);
  }
  /** Returns the workers that did the run's work. Lost work does not count. */
  function workersOf({ timeline }: PipelineResult): Set<number> {
    return new Set((timeline?.units ?? []).filter(({ lost }) => lost !== true).map(({ worker }) => worker));
  }
  /** Waits until several workers work on shards of the run, and returns one of them. */
  async function oneOfSeveral(handle: WorkflowHandle, among: readonly WorkerProcess[]): Promise<WorkerProcess> {
    for (;;) {
      const { status, raw } = await patiently(() => handle.describe());
      if (status.name !== 'RUNNING') throw new Error(`${handle.workflowId} has ended before it could be disturbed`);
      // The guarded rebuild is the first one.
      const busy = (raw.pendingActivities ?? []).filter(({ activityType }) => activityType?.name === 'gatherSubBlock');
      const owners = among.filter(({ pid }) => busy.some(({ lastWorkerIdentity }) => lastWorkerIdentity?.startsWith(`${pid}@`)));
      if (owners.length > 1) return owners[owners.length - 1];
      await sleep(5);
    }
  }

  beforeAll(async () => {
    server = await Server.start(join(folder, 'server'));
    const cluster = await build('one', 1);
    alone = await resultOf(await start('one', 4));
    expected = digestsOf(alone);
    await cluster.tearDown();
  });
  afterAll(async () => {
    for (const cluster of clusters) await cluster.tearDown();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('needs one worker only, and then leaves nothing but what any run leaves', () => {
    expect(workersOf(alone).size).toBe(1);
    expect(alone.incidents).toBeUndefined();
    expect(alone.sparsity.actual).toBeCloseTo(0.5, 3);
  });

  it('has the same bytes from two workers, which both have worked', async () => {
    const cluster = await build('two', 2);
    const result = await resultOf(await start('two', 4));
    expect(digestsOf(result)).toEqual(expected);
    expect(result.perplexity).toEqual(alone.perplexity);
    expect(workersOf(result).size).toBe(2);
    expect(storeLog(cluster.store).filter(({ event, kind }) => event === 'made' && kind === 'sums').length).toBeGreaterThan(0);
    await cluster.tearDown();
  });

  it('has the same bytes from four workers, one of which is killed: its shard alone moves', async () => {
    const cluster = await build('four', 4);
    const handle = await start('four', 4);
    const victim = await oneOfSeveral(handle, cluster.workers);
    victim.signal('SIGKILL');
    const result = await resultOf(handle);
    expect(digestsOf(result)).toEqual(expected);
    expect(result.perplexity).toEqual(alone.perplexity);
    expect(workersOf(result).size).toBeGreaterThan(1);
    const { workers = [], units = [] } = result.timeline ?? {};
    const lost = units.filter((unit) => unit.lost);
    expect(new Set(lost.map(({ worker }) => workers[worker].split('@')[0]))).toEqual(new Set([`${victim.pid}`]));
    expect(result.incidents?.map(({ what }) => what)).toContainEqual(expect.stringMatching(/^Shard [1-4] went to another worker: its worker (fell silent|is gone)$/));
    expect([...madeAgain(storeLog(cluster.store))]).toEqual([]);
    expect(readFileSync(result.report, 'utf8')).toContain('in 4 shards');
    await cluster.tearDown();
  });

  it('is as good as a run without shards, guarded and published', async () => {
    const cluster = await build('as-good', 1);
    // Without a refit, whose values differ by rounding.
    const resultWith = async (shards: number): Promise<PipelineResult> => resultOf(await start('as-good', shards, withGuarded()));
    const [whole, divided] = [await resultWith(1), await resultWith(4)];
    await cluster.tearDown();
    for (const state of ['initial', 'rebuilt'] as const) {
      const [[of]] = [Object.keys(whole.perplexity[state] ?? {})];
      const [one, four] = [whole, divided].map(({ perplexity }) => perplexity[state]?.[of] ?? 0);
      expect(Math.abs(four / one - 1)).toBeLessThan(0.001);
    }
  });
});
