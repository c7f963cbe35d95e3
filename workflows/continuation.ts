import { ApplicationFailure, CancellationScope, makeContinueAsNewFunc, patched, workflowInfo } from '@temporalio/workflow';
import type { Timeline } from '../activities/result.js';
import type { RunContext } from '../activities/types.js';
import type { Seating } from './placement.js';
import { startedMemo, type PipelineProgress, type PipelineRequest } from './protocol.js';
import type { RunState } from './run-state.js';

/**
 * What the next execution of a run begins with when the run continues as new. It is the workflow's second argument, and stays far below
 * the 2 MB that the server takes: references, numbers, and at most 200 incidents.
 */
export interface Carried {
  context: RunContext;
  state: RunState;
  /** With its incidents, and with a requested pause. */
  progress: PipelineProgress;
  seating: Seating;
  /** Absent in what an execution of an earlier version hands on. */
  timeline?: Timeline;
  /** How often the run has started over because a stored artifact was lost. */
  restarts: number;
}

/**
 * The state that the execution before this one has handed on; `undefined` at the beginning of a run. Whoever starts a run cannot
 * give one: it would go past the checks of the request.
 * @throws ApplicationFailure, not retried, if it does not come from an execution before
 */
export function checkedCarried(carried: Carried | undefined): Carried | undefined {
  if (carried === undefined || isContinuation()) return carried;
  throw ApplicationFailure.nonRetryable('request: it has a second argument; expected the request alone. Start the run with `temporal-pipeline start`.', 'RequestError');
}

/**
 * Whether this execution was begun by one of ours, by continuing as new. A cron schedule and a retry policy begin executions as well,
 * with the input of the first one.
 */
export function isContinuation(): boolean {
  const { continuedFromExecutionRunId, cronSchedule, retryPolicy } = workflowInfo();
  return continuedFromExecutionRunId !== undefined && (cronSchedule ?? '') === '' && (retryPolicy ?? null) === null;
}

/** If the server suggests nothing, or later: far below the 51,200 events and 50 MiB at which it ends a workflow. */
const limits = { events: 8_000, bytes: 20 * 2 ** 20 };
/** Runs of versions that continued for longer replay. */
const formerEvents = 20_000;

/** Whether the run should continue in a new execution. Never while it is being cancelled: the next activity tells it so. */
export function isContinuationDue(): boolean {
  const { continueAsNewSuggested, historyLength, historySize } = workflowInfo();
  const isLong = continueAsNewSuggested || historySize > limits.bytes || historyLength > formerEvents || (historyLength > limits.events && patched('continue-sooner'));
  // Runs of versions that did not continue as new replay: long as they are, they continued.
  return isLong && !CancellationScope.current().consideredCancelled && patched('continue-as-new');
}

/** Ends this execution, and continues in a new one with an empty history. Task queue and search attributes stay. */
export async function continueRun(request: PipelineRequest, carried: Carried): Promise<never> {
  const { memo, startTime } = workflowInfo();
  const next = makeContinueAsNewFunc<(request: PipelineRequest, carried: Carried) => Promise<unknown>>({ memo: { [startedMemo]: startTime.toISOString(), ...memo } });
  return await next(request, carried);
}
