/** Two workers with one store: where a run works, and where it moves when its worker is gone. With a real server and real programs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestsOf, madeAgain, storeLog, evidenceIn } from '../../tools/bench/faults/judge.js';
import { TestCluster, Server } from '../../tools/bench/faults/test-cluster.js';
import { signalAll, WorkerProcess } from '../../tools/bench/faults/worker-process.js';
import { retryWhileUnavailable } from '../../app/cli/client.js';
import { queryProgress } from '../../app/cli/progress/follow.js';
import { startPipeline, type Run } from '../../app/cli/start-pipeline.js';
import { pauseSignal, resumeSignal, type PipelineResult } from '../../workflows/protocol.js';
import { longPipeline } from '../helpers/demo-run.js';
import { requireBuild, requireTemporalCli } from '../helpers/set-up.js';
import { digestOf } from '../../files/artifacts/index.js';

requireBuild();
requireTemporalCli();

describe('placement of runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'placement-'));
  let server: Server;
  let undisturbed: Record<string, string>;
  let calmQueues: string[];
  const clusters: TestCluster[] = [];
  const workers: WorkerProcess[] = [];

  async function build(name: string, count = 2): Promise<TestCluster> {
    const cluster = await TestCluster.build(server, folder, name, count);
    clusters.push(cluster);
    return cluster;
  }
  function serve(taskQueue: string, ...flags: string[]): WorkerProcess {
    const worker = new WorkerProcess({ address: server.where(), state: join(folder, taskQueue), taskQueue, flags });
    workers.push(worker);
    return worker;
  }
  async function start(taskQueue: string, name = taskQueue): Promise<WorkflowHandle> {
    const pipeline = longPipeline(name);
    const { workflowId } = await startPipeline(server.client, { pipeline, digest: digestOf(pipeline) } as Parameters<typeof startPipeline>[1], taskQueue);
    return server.client.workflow.getHandle(workflowId);
  }
  /** Retries a call: a busy machine sometimes drops a connection, and this client does not retry by itself. */
  const patiently = <T>(call: () => Promise<T>): Promise<T> => retryWhileUnavailable(call, new AbortController().signal);
  /** Pauses a run that has begun. */
  async function hold(handle: WorkflowHandle): Promise<void> {
    await handle.signal(pauseSignal);
    const run: Run = { workflowId: handle.workflowId, runId: (await describedNow(handle)).runId };
    await until(async () => (await queryProgress(server.client, run).catch(() => undefined))?.pause === 'reached');
  }
  const resultOf = (handle: WorkflowHandle): Promise<PipelineResult> => patiently(() => handle.result() as Promise<PipelineResult>);
  const historyOf = (handle: WorkflowHandle) => patiently(() => handle.fetchHistory());
  const describedNow = (handle: WorkflowHandle) => patiently(() => handle.describe());
  async function ownerOf(handle: WorkflowHandle, among: readonly WorkerProcess[]): Promise<WorkerProcess> {
    for (;;) {
      const { status, raw } = await describedNow(handle);
      if (status.name !== 'RUNNING') throw new Error(`${handle.workflowId} ended before it could be interrupted`);
      const pending = raw.pendingActivities ?? [];
      const owner = among.find(({ pid }) => pending.some(({ lastWorkerIdentity, activityType }) => activityType?.name !== 'takeSeat' && lastWorkerIdentity?.startsWith(`${pid}@`)));
      if (owner !== undefined) return owner;
      await sleep(5);
    }
  }
  /** Task queues of a run's activities, in the order in which the run used them. */
  async function queuesOf(handle: WorkflowHandle): Promise<string[]> {
    const scheduled = ((await historyOf(handle)).events ?? []).flatMap(({ activityTaskScheduledEventAttributes: activity }) => (activity ? [activity] : []));
    const own = scheduled.filter(({ activityType }) => activityType?.name !== 'takeSeat').map(({ taskQueue }) => taskQueue?.name ?? '');
    return own.filter((queue, index) => queue !== own[index - 1]);
  }
  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) await sleep(10);
  }
  /** Waits until the same activity has been in flight for a while. If its compute process is stopped, the activity stays in flight. */
  async function stuckOn(handle: WorkflowHandle, worker: WorkerProcess): Promise<void> {
    const inFlight = async (): Promise<string[]> =>
      ((await describedNow(handle)).raw.pendingActivities ?? []).flatMap(({ activityId, lastWorkerIdentity }) => (lastWorkerIdentity?.startsWith(`${worker.pid}@`) ? [activityId ?? ''] : []));
    await until(async () => {
      const [before = 'none'] = await inFlight();
      await sleep(1_000);
      return (await inFlight()).includes(before);
    });
  }

  beforeAll(async () => {
    server = await Server.start(join(folder, 'server'));
    const cluster = await build('calm');
    const handle = await start('calm');
    undisturbed = digestsOf(await resultOf(handle));
    calmQueues = await queuesOf(handle);
    await cluster.tearDown();
  });
  afterAll(async () => {
    for (const cluster of clusters) await cluster.tearDown();
    for (const worker of workers) worker.signal('SIGKILL');
    await Promise.all(workers.map((worker) => worker.ended));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('keeps a run on one worker, and finishes it on another one of the same store after a kill', async () => {
    expect(calmQueues).toHaveLength(1);
    const cluster = await build('killed');
    const handle = await start('killed');
    await until(() => storeLog(cluster.store).length > 3);
    const owner = await ownerOf(handle, cluster.workers);
    owner.signal('SIGKILL');
    const result = await resultOf(handle);
    expect(digestsOf(result)).toEqual(undisturbed);
    expect([...madeAgain(storeLog(cluster.store))]).toEqual([]);
    expect((await queuesOf(handle)).length).toBeGreaterThan(1);
    expect(evidenceIn(await historyOf(handle))).not.toEqual([]);
    // A slow machine reports more incidents, for example that the server took long to answer.
    expect(result.incidents?.map(({ what }) => what)).toContainEqual(expect.stringMatching(/^The run went to another worker: its worker (fell silent|is gone)$/));
    expect(readFileSync(result.report, 'utf8')).toContain('## Incidents');
    expect(owner.isAlive).toBe(false);
    // The timeline has both workers, and the work that was lost with the first.
    const { workers = [], units = [] } = result.timeline ?? {};
    expect(workers.length).toBeGreaterThan(1);
    expect(workers[0]).toMatch(new RegExp(`^${owner.pid}@`));
    const lost = units.filter((unit) => unit.lost);
    expect(lost.map(({ worker }) => worker)).toContain(0);
    // Another worker did it later.
    expect(units.some(({ what, worker, begun }) => what === lost[0]?.what && worker !== 0 && begun >= lost[0].asked)).toBe(true);
    expect(readFileSync(result.page ?? '', 'utf8')).toContain(`<span class="name">${owner.pid}@`);
  });

  it('reports a stopped compute process, although nothing failed', async () => {
    const cluster = await build('held');
    const handle = await start('held');
    await until(() => storeLog(cluster.store).length > 2);
    const compute = (await ownerOf(handle, cluster.workers)).computePids();
    signalAll(compute, 'SIGSTOP');
    await sleep(5_000);
    signalAll(compute, 'SIGCONT');
    const result = await resultOf(handle);
    expect(digestsOf(result)).toEqual(undisturbed);
    expect(result.incidents?.map(({ what }) => what)).toContainEqual(expect.stringMatching(/^The compute process was stopped for about \d+\.\d s$/));
    expect(evidenceIn(await historyOf(handle))).toContainEqual(expect.objectContaining({ what: 'incident' }));
  });

  it('hands its run over after the current unit when told to stop, and ends at once when told twice', async () => {
    const cluster = await build('stopped');
    const handle = await start('stopped');
    await until(() => storeLog(cluster.store).length > 3);
    const owner = await ownerOf(handle, cluster.workers);
    owner.signal('SIGTERM');
    await until(() => owner.said().includes('Stopping. The layer in flight has '));
    expect(digestsOf(await resultOf(handle))).toEqual(undisturbed);
    expect(await owner.ended).toBe(0);
    expect([...madeAgain(storeLog(cluster.store))]).toEqual([]);
    expect(evidenceIn(await historyOf(handle)).map(({ what }) => what)).toContainEqual(expect.stringContaining('the worker is shutting down'));

    const slow = serve('slow', '--shutdown-grace', '3600');
    await slow.ready();
    const stuck = await start('slow');
    await ownerOf(stuck, [slow]);
    await until(() => slow.computePids().length > 0);
    signalAll(slow.computePids(), 'SIGSTOP');
    await stuckOn(stuck, slow);
    slow.signal('SIGTERM');
    // Two signals at the same moment would count as one.
    await until(() => readFileSync(join(folder, 'slow', 'logs', 'worker.jsonl'), 'utf8').includes('"message":"stopping"'));
    await sleep(500);
    expect(slow.isAlive).toBe(true);
    slow.signal('SIGTERM');
    expect(await slow.ended).toBe(1);
    await stuck.terminate();
  });

  it('serves two versions at once, each with the runs that it began', async () => {
    const old = serve('versions', '--deployment', 'pruning', '--build-id', 'one');
    await old.ready();
    expect(old.said()).toContain('pruning.one is now current');
    const early = await start('versions', 'early');
    await ownerOf(early, [old]);
    await hold(early);
    const stranded = await start('versions', 'stranded');
    await hold(stranded);
    const young = serve('versions', '--deployment', 'pruning', '--build-id', 'two');
    await young.ready();
    expect(young.said()).toContain('pruning.two is now current');
    const late = await start('versions', 'late');
    await ownerOf(late, [young]);
    await early.signal(resumeSignal);
    // Both runs are in flight, each on its own version.
    await ownerOf(early, [old]);
    await ownerOf(late, [young]);
    expect(digestsOf(await resultOf(early))).toEqual(undisturbed);
    expect(digestsOf(await resultOf(late))).toEqual(undisturbed);
    expect(await identitiesOf(early)).toEqual([`${old.pid}`]);
    expect(await identitiesOf(late)).toEqual([`${young.pid}`]);

    // If no worker of its version is left, a run waits until it is moved, as docs/durability.md says.
    old.signal('SIGTERM');
    await old.ended;
    await stranded.signal(resumeSignal);
    const move = ['workflow', 'update-options', '--address', server.where(), '--workflow-id', stranded.workflowId, '--versioning-override-behavior', 'auto_upgrade'];
    execFileSync(requireTemporalCli(), move, { stdio: 'ignore' });
    expect(digestsOf(await resultOf(stranded))).toEqual(undisturbed);
    expect(await identitiesOf(stranded)).toContain(`${young.pid}`);
    // An old worker that is started again does not take new runs.
    const again = serve('versions', '--deployment', 'pruning', '--build-id', 'one');
    await again.ready();
    expect(again.said()).toContain('pruning.one serves its existing runs.');
  });

  /** Ids of the processes that did a run's activities. */
  async function identitiesOf(handle: WorkflowHandle): Promise<string[]> {
    const started = ((await historyOf(handle)).events ?? []).flatMap(({ activityTaskStartedEventAttributes: activity }) => (activity ? [activity.identity ?? ''] : []));
    return [...new Set(started.map((identity) => identity.split('@')[0]))];
  }
});
