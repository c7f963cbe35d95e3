import { ApplicationFailure, CancellationScope, makeContinueAsNewFunc, patched, workflowInfo } from '@temporalio/workflow';
import type { Timeline } from '../activities/result.js';
import type { RunContext } from '../activities/types.js';
import type { Seating } from './placement.js';
import { startedMemo, type PipelineProgress, type PipelineRequest } from './protocol.js';
import type { RunState } from './run-state.js';

/**
 * What a run hands on to its next execution when it continues as new. It is the workflow's second argument, and stays far below
 * the server's limit of 2 MB: references, numbers, and at most 200 incidents.
 */
export interface Carried {
  context: RunContext;
  state: RunState;
  /** Includes the incidents, and a requested pause. */
  progress: PipelineProgress;
  seating: Seating;
  /** Absent if the previous execution was of an earlier version. */
  timeline?: Timeline;
  /** How many times the run has started over because a stored artifact was lost. */
  restarts: number;
}

/**
 * Returns the state that the previous execution has handed on; `undefined` at the beginning of a run. A client that starts a run
 * must not pass one, because it would bypass the checks of the request.
 * @throws ApplicationFailure, not retried, if the state does not come from a previous execution
 */
export function checkedCarried(carried: Carried | undefined): Carried | undefined {
  if (carried === undefined || isContinuation()) return carried;
  throw ApplicationFailure.nonRetryable('request: it has a second argument; expected the request alone. Start the run with `temporal-pipeline start`.', 'RequestError');
}

/**
 * Whether this execution was started by our own workflow that continued as new. A cron schedule or a retry policy also starts
 * executions, with the input of the first one.
 */
export function isContinuation(): boolean {
  const { continuedFromExecutionRunId, cronSchedule, retryPolicy } = workflowInfo();
  return continuedFromExecutionRunId !== undefined && (cronSchedule ?? '') === '' && (retryPolicy ?? null) === null;
}

/** Our limits if the server suggests nothing, or only later. They are far below the 51,200 events and 50 MiB at which it ends a workflow. */
const limits = { events: 8_000, bytes: 20 * 2 ** 20 };
/** The limit of earlier versions, so that their histories replay. */
const formerEvents = 20_000;

/**
 * Whether the run should continue in a new execution. Not while it is being cancelled: the next activity then throws.
 * @param isWithinLayer whether a layer has been begun. Earlier versions went on to its end, and their histories must replay
 */
export function isContinuationDue(isWithinLayer: boolean): boolean {
  const { continueAsNewSuggested, historyLength, historySize } = workflowInfo();
  const isLong = continueAsNewSuggested || historySize > limits.bytes || historyLength > formerEvents || (historyLength > limits.events && patched('continue-sooner'));
  // Histories of versions that never continued as new must replay: their long runs went on.
  return isLong && !CancellationScope.current().consideredCancelled && patched('continue-as-new') && (!isWithinLayer || patched('continue-within-layer'));
}

/** Ends this execution, and continues in a new one with an empty history. Task queue and search attributes stay the same. */
export async function continueRun(request: PipelineRequest, carried: Carried): Promise<never> {
  const { memo, startTime } = workflowInfo();
  const next = makeContinueAsNewFunc<(request: PipelineRequest, carried: Carried) => Promise<unknown>>({ memo: { [startedMemo]: startTime.toISOString(), ...memo } });
  return await next(request, carried);
}
