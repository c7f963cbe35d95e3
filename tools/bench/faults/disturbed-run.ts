import { setTimeout as sleep } from 'node:timers/promises';
import { startPipeline, type Run } from '../../../app/cli/start-pipeline.js';
import type { ParsedPipeline } from '../../../app/config/index.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { injections, type FaultKind } from './injections.js';
import { differingBytes, digestsOf, madeAgain, repeatedForwards, storeLog, evidenceIn, type Repeated, type Evidence } from './judge.js';
import type { TestCluster } from './test-cluster.js';
import { pick, type Random } from './random.js';
import type { WorkerProcess } from './worker-process.js';

/** One fault that was injected. */
export interface Injected {
  kind: FaultKind;
  /** Seconds from the fault to the next artifact, or to the end of the run. */
  recovery: number;
  destroyed: string[];
  /** Whether the run made an artifact after it. */
  wentOn: boolean;
  /** What the run's history, or the store's log, says about it. */
  told: string[];
  /** Why they say nothing about it. */
  untold?: Untold;
}

/** Reasons why history and log say nothing about a fault. */
export type Untold = 'the artifact was not needed again' | 'the run ended before it was felt' | 'the next fault came first';

export interface Judged {
  faults: Injected[];
  /** Artifacts that were recomputed although no fault had destroyed them. */
  lost: string[];
  differing: number;
  /** Artifacts that were recomputed because a fault had destroyed them. */
  remade: string[];
  /** Forwards that were repeated. */
  repeated: Repeated[];
  /** Why the run did not complete. */
  failure?: string;
}

/** A run that finishes nothing for this long counts as hanging. */
const hangingMs = 180_000;

async function retryWhileUnavailable<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries === 300) throw error;
      await sleep(100);
    }
  }
}

/** Runs a pipeline without faults. @returns the digests of its outputs */
export async function runWithoutFaults(plant: TestCluster, parsed: ParsedPipeline): Promise<Record<string, string>> {
  const { client } = plant.server;
  const { workflowId } = await startPipeline(client, parsed, plant.taskQueue);
  return digestsOf((await client.workflow.getHandle(workflowId).result()) as PipelineResult);
}

/** Runs a pipeline with faults, one after another at random moments, until it ends, and judges the result. */
export async function runWithFaults(plant: TestCluster, parsed: ParsedPipeline, kinds: FaultKind[], expected: Record<string, string>, { random, outage }: { random: Random; outage: number }): Promise<Judged> {
  const { client } = plant.server;
  const run: Run = await retryWhileUnavailable(() => startPipeline(client, parsed, plant.taskQueue));
  const handle = client.workflow.getHandle(run.workflowId);
  const describe = () => retryWhileUnavailable(() => client.connection.withDeadline(Date.now() + 5_000, () => handle.describe()));
  const isOver = async (): Promise<boolean> => (await describe()).status.name !== 'RUNNING';
  const made = (): number => storeLog(plant.store).filter(({ event }) => event === 'made').length;
  /** Returns the worker that has the run. Between two activities no worker has it, so this polls for a while. */
  const owner = async (): Promise<WorkerProcess> => {
    for (let tries = 0; tries < 100; tries++) {
      const pending = (await describe()).raw.pendingActivities ?? [];
      const found = plant.workers.find(({ pid }) => pending.some(({ lastWorkerIdentity }) => lastWorkerIdentity?.startsWith(`${pid}@`)));
      if (found !== undefined) return found;
    }
    return pick(random, plant.workers);
  };
  /** Waits until the run has made another artifact or has ended. */
  const goesOn = async (before: number): Promise<void> => {
    for (const deadline = Date.now() + hangingMs; made() <= before && Date.now() < deadline; await sleep(20)) if (await isOver()) return;
  };

  await goesOn(0);
  const injected: (Injected & { at: number })[] = [];
  const queue = [...kinds];
  while (queue.length > 0) {
    await sleep(random() * 700);
    if (await isOver()) break;
    const kind = queue[0];
    const at = Date.now();
    const destroyed = await injections[kind]({ plant, random, owner, outage });
    const before = made();
    if (destroyed === undefined) {
      // Nothing to damage at this moment. Try again later.
      if (await isOver()) break;
      continue;
    }
    queue.shift();
    await goesOn(before);
    injected.push({ kind, at, wentOn: made() > before, recovery: (Date.now() - at) / 1000, destroyed, told: [] });
  }
  kinds.splice(0, kinds.length - queue.length);

  for (const deadline = Date.now() + hangingMs; !(await isOver()) && Date.now() < deadline; ) await sleep(50);
  const history = await retryWhileUnavailable(() => handle.fetchHistory());
  const told = evidenceIn(history);
  const damaged = storeLog(plant.store).filter(({ event }) => event === 'damaged').map(({ kind, key }) => `${kind}/${key}`);
  const again = madeAgain(storeLog(plant.store));
  injected.forEach((fault, index) => {
    fault.told = toldWithin(told, fault.at, injected[index + 1]?.at ?? Infinity);
    if (fault.destroyed.some((name) => damaged.includes(name))) fault.told.push('damaged (log of the store)');
    if (fault.destroyed.some((name) => again.has(name))) fault.told.push('recomputed (log of the store)');
    if (fault.told.length === 0) fault.untold = whyUntold(fault, index + 1 < injected.length);
  });
  return await judge(plant, injected, expected, async () => await (handle.result() as Promise<PipelineResult>));
}

function whyUntold({ destroyed, wentOn }: Injected, isFollowed: boolean): Untold {
  if (destroyed.length > 0) return 'the artifact was not needed again';
  return isFollowed && wentOn ? 'the next fault came first' : 'the run ended before it was felt';
}

function toldWithin(told: readonly Evidence[], from: number, to: number): string[] {
  return told.filter(({ at }) => at >= from && at < to).map(({ what }) => what);
}

async function judge(plant: TestCluster, faults: Injected[], expected: Record<string, string>, result: () => Promise<PipelineResult>): Promise<Judged> {
  const destroyed = new Set(faults.flatMap((fault) => fault.destroyed));
  const again = [...madeAgain(storeLog(plant.store)).keys()];
  const lost = again.filter((name) => !destroyed.has(name));
  const remade = again.filter((name) => destroyed.has(name));
  const repeated = repeatedForwards(storeLog(plant.store));
  try {
    return { faults, lost, remade, repeated, differing: differingBytes(await withTimeout(result()), expected) };
  } catch (error) {
    const cause = (error as { cause?: { cause?: Error } & Error }).cause;
    return { faults, lost, remade, repeated, differing: 0, failure: cause?.cause?.message ?? cause?.message ?? String(error) };
  }
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  const late = sleep(10_000).then(() => {
    throw new Error('the run has not ended');
  });
  return await Promise.race([work, late]);
}
