import { activityInfo, ApplicationFailure, Context } from '@temporalio/activity';
import { checkSearchRequest, checkSweepRequest, type WithChanges } from '../app/config/index.js';
import type { ArtifactStore } from '../files/artifacts/index.js';
import { withoutSecrets } from '../errors/secrets.js';
import type { SearchTable } from './search-result.js';
import type { SweepTable } from './sweep-result.js';
import { ComputeHost, RemoteFault } from './compute/host.js';
import { ComputeCrashedError, EngineMemoryError, SeatLostError } from './errors.js';
import { serializeFault } from './compute/failure.js';
import type { ComputeTask, SerializedFault } from './compute/messages.js';
import type { Seat } from './seat.js';
import { checkMayPublish } from './outputs/may-publish.js';
import type { CardRequest } from './outputs/publish.js';
import { takeSeat, type TakeSeatOptions } from './take-seat.js';
import type { Activities, SharedActivities, WorkTimes } from './types.js';
import { runFolder } from './write-outputs.js';
import { writeSearch, writeSweep } from './write-sweep.js';
import { checkAgainstLock, writeReport, type Renderers } from './write-report.js';

export { ComputeHost } from './compute/host.js';
export { IncidentPost, IncidentWatch } from './incidents.js';
export type { Incident } from './result.js';
export { Seat } from './seat.js';
export type { Activities } from './types.js';

/** Milliseconds between two heartbeats to the server, also while the compute process is busy. */
const heartbeatInterval = 1000;

/** Number of faults of this class, in one activity on one worker, that fail the run. Starting the run again continues where it was. */
const mostFaults: ReadonlyMap<string, number> = new Map([[ComputeCrashedError.name, 20], [EngineMemoryError.name, 3]]);

export interface ActivityOptions extends Renderers {
  state: string;
  host: ComputeHost;
  seat: Seat;
  store: ArtifactStore;
  /** Hub organisations that pipelines may publish to. Absent means any. */
  mayPublishTo?: readonly string[];
  /** Renders a model card in Markdown. */
  renderCard: (request: CardRequest) => string;
}

/** Creates the activities for the run in a worker's seat. The compute process does the work on tensors; reports and uploads are done here. */
export function createActivities({ state, host, seat, store, mayPublishTo, renderCard, ...renderers }: ActivityOptions): Activities {
  const faults = new FaultCounts();
  const compute = <Task extends ComputeTask>(task: Task): Activities[Task] =>
    ((input: unknown) => timed(() => inCompute({ host, seat, faults }, task, input))) as unknown as Activities[Task];

  return {
    async prepareRun(input) {
      const context = await compute('prepareRun')(input);
      // Check this now, not hours later when the checkpoint is finished.
      const { publish } = input.pipeline.outputs ?? {};
      if (publish !== undefined) await inWorker(() => Promise.resolve(checkMayPublish(publish, mayPublishTo)));
      return context;
    },
    sampleCalibration: compute('sampleCalibration'),
    sampleEvaluation: compute('sampleEvaluation'),
    findScores: compute('findScores'),
    scoreLayer: compute('scoreLayer'),
    makeInitialMask: compute('makeInitialMask'),
    gatherShard: compute('gatherShard'),
    chooseMask: compute('chooseMask'),
    rebuildLayer: compute('rebuildLayer'),
    gatherSubBlock: compute('gatherSubBlock'),
    rebuildSubBlock: compute('rebuildSubBlock'),
    finishShard: compute('finishShard'),
    closeLayer: compute('closeLayer'),
    findPerplexity: compute('findPerplexity'),
    advanceLayer: compute('advanceLayer'),
    scorePerplexity: compute('scorePerplexity'),
    sampleQuestions: compute('sampleQuestions'),
    findLikelihoods: compute('findLikelihoods'),
    scoreLikelihoods: compute('scoreLikelihoods'),
    judgeZeroShot: compute('judgeZeroShot'),
    proveMasks: compute('proveMasks'),
    writeOutputs: compute('writeOutputs'),
    proveOutputs: compute('proveOutputs'),
    async writeReport(input) {
      return inWorker(async () => {
        const written = await seat.use(runInFlight(), (evicted) => writeReport(input, state, store, renderers, AbortSignal.any([Context.current().cancellationSignal, evicted])));
        // This is the last activity of the run, unless its checkpoint is still to be published. The worker is free for the next run.
        if (input.pipeline.outputs?.publish === undefined) seat.leave(runInFlight());
        if (input.lock !== undefined) checkAgainstLock(input.lock, input.result, written.report);
        return written;
      });
    },
    async publishOutputs({ workflowId, result, target }) {
      return inWorker(async () => {
        checkMayPublish(target, mayPublishTo);
        const folder = runFolder(state, workflowId);
        const { cancellationSignal: signal } = Context.current();
        const { publishKept } = await import('./outputs/publish.js');
        const published = await seat.use(runInFlight(), (evicted) => publishKept({ result, folder, target, renderCard, signal: AbortSignal.any([signal, evicted]) }, store));
        seat.leave(runInFlight());
        return published;
      });
    },
  };
}

export interface SharedActivityOptions extends TakeSeatOptions {
  state: string;
  /** Returns the files of a sweep's report by name. */
  renderSweep: (table: SweepTable) => Promise<Record<string, string>>;
  /** Returns the files of a search's report by name. */
  renderSearch: (table: SearchTable) => Promise<Record<string, string>>;
  /** From the workflow code, so that the members of a sweep are checked as they will be run. */
  withChanges: WithChanges;
}

/** Creates the activities that need no seat: giving the seat to a run, checking requests of sweeps and searches, writing their reports. */
export function createSharedActivities({ state, renderSweep, renderSearch, withChanges, ...seating }: SharedActivityOptions): SharedActivities {
  return {
    async takeSeat({ store, beside }) {
      return inWorker(() => takeSeat(seating, runInFlight(), { store, beside }));
    },
    async checkSweep(request) {
      await inWorker(() => checkSweepRequest(request, runInFlight(), withChanges));
    },
    async writeSweep({ sweepId, table }) {
      return inWorker(async () => writeSweep(state, sweepId, await renderSweep(table)));
    },
    async checkSearch(request) {
      await inWorker(() => checkSearchRequest(request, runInFlight(), withChanges));
    },
    async writeSearch({ searchId, table }) {
      return inWorker(async () => writeSearch(state, searchId, await renderSearch(table)));
    },
  };
}

function runInFlight(): string {
  const { workflowExecution } = activityInfo();
  if (workflowExecution === undefined) throw new Error('Activities run within workflows only.');
  return workflowExecution.workflowId;
}

/** Adds the times of an activity to its result, for the timeline of the run. A result that is not an object gets no times. */
async function timed(work: () => Promise<unknown>): Promise<unknown> {
  const begun = Date.now();
  const result = await work();
  if (result === null || (result !== undefined && typeof result !== 'object') || Array.isArray(result)) return result;
  const times: WorkTimes = { begun, ended: Date.now(), attempt: activityInfo().attempt };
  return { ...result, times };
}

/** Runs work in the worker itself, with heartbeats because a disk or a bucket may be slow. Turns its faults into typed failures. */
async function inWorker<T>(work: () => Promise<T>): Promise<T> {
  const stop = heartbeat(() => '');
  try {
    return await work();
  } catch (error) {
    if (Context.current().cancellationSignal.aborted) throw error;
    throw asFailure(serializeFault(error));
  } finally {
    stop();
  }
}

/** Sends a heartbeat to the server now, and then regularly. @returns a function that stops this */
function heartbeat(detail: () => string): () => void {
  const context = Context.current();
  context.heartbeat(detail());
  const beat = setInterval(() => {
    context.heartbeat(detail());
  }, heartbeatInterval);
  return () => {
    clearInterval(beat);
  };
}

/** Runs a task in the compute process, with heartbeats. Turns its faults into typed failures. */
async function inCompute({ host, seat, faults }: { host: ComputeHost; seat: Seat; faults: FaultCounts }, task: ComputeTask, input: unknown): Promise<unknown> {
  const context = Context.current();
  let detail = '';
  const stop = heartbeat(() => detail);
  try {
    const result = await seat.use(runInFlight(), (evicted) =>
      host.run(task, input, AbortSignal.any([context.cancellationSignal, evicted]), (progress) => {
        detail = progress;
        context.heartbeat(detail);
      }),
    );
    faults.forget();
    return result;
  } catch (error) {
    if (error instanceof RemoteFault) {
      context.log.warn(`${activityInfo().activityType} failed`, { fault: error.fault });
      const fault = faults.limit(error.fault);
      // The fault ends the run, so the worker is free for the next one.
      if (!fault.retryable) seat.leave(runInFlight());
      throw asFailure(fault);
    }
    if (error instanceof ComputeCrashedError) throw asFailure(faults.limit(serializeFault(error)));
    if (error instanceof SeatLostError) throw asFailure(serializeFault(error));
    throw error;
  } finally {
    stop();
  }
}

/** Counts the faults of the activity in flight by class. A fault that returns every time must not keep a run going forever. */
class FaultCounts {
  private activity = '';
  private counts = new Map<string, number>();

  /** Counts a fault. It is final if there have been too many of its class. */
  limit(fault: SerializedFault): SerializedFault {
    const { workflowExecution, activityId } = activityInfo();
    const activity = `${workflowExecution?.runId} ${activityId}`;
    if (activity !== this.activity) this.forget();
    this.activity = activity;
    const count = (this.counts.get(fault.name) ?? 0) + 1;
    this.counts.set(fault.name, count);
    return { ...fault, retryable: fault.retryable && count < (mostFaults.get(fault.name) ?? Infinity) };
  }

  forget(): void {
    this.counts.clear();
  }
}

/** Turns a fault into a failure. `type` is the fault's class. Clients show the message unchanged. */
function asFailure(fault: SerializedFault): ApplicationFailure {
  return ApplicationFailure.create({
    type: fault.name,
    message: withoutSecrets(fault.message),
    nonRetryable: !fault.retryable,
    ...(fault.text === undefined ? {} : { details: [JSON.parse(withoutSecrets(JSON.stringify(fault.text)))] }),
  });
}
