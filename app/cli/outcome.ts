import { ApplicationFailure, CancelledFailure, TerminatedFailure, WorkflowFailedError, type Client } from '@temporalio/client';
import { failedGates } from '../report/index.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { retryWhileUnavailable } from './client.js';
import { unlessAborted } from './interrupts.js';
import type { Run } from './start-pipeline.js';

export interface OutcomeError {
  /** The fault's class, for example `CheckpointError`. */
  type: string;
  message: string;
}

/** How a run ended. */
export type Outcome =
  | { status: 'completed'; result: PipelineResult }
  | { status: 'failed'; error: OutcomeError }
  | { status: 'cancelled'; error: OutcomeError };

/**
 * Waits for the end of a run, across continuations, even if the server is away for a long time.
 * @throws the signal's reason when it aborts
 */
export async function awaitOutcome(client: Client, run: Pick<Run, 'workflowId'>, signal: AbortSignal): Promise<Outcome> {
  const handle = client.workflow.getHandle<() => Promise<PipelineResult>>(run.workflowId);
  try {
    const result = await unlessAborted(retryWhileUnavailable(() => handle.result(), signal), signal);
    return { status: 'completed', result };
  } catch (error) {
    if (error instanceof WorkflowFailedError) return describeFailure(error);
    throw error;
  }
}

/**
 * Describes why a workflow failed: the fault that an activity raised, otherwise what Temporal reports. The chain is WorkflowFailedError ->
 * ActivityFailure -> ApplicationFailure (the fault, by its class and sentence).
 */
export function describeFailure(error: WorkflowFailedError): Exclude<Outcome, { status: 'completed' }> {
  const chain: Error[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) chain.push(cause);
  if (chain.some((cause) => cause instanceof CancelledFailure || cause instanceof TerminatedFailure)) {
    return { status: 'cancelled', error: { type: 'Cancelled', message: 'the run was cancelled' } };
  }
  const fault = chain.find((cause) => cause instanceof ApplicationFailure);
  const last = chain.at(-1) ?? error;
  return { status: 'failed', error: { type: fault?.type ?? last.name, message: (fault ?? last).message } };
}

/** Returns what `--json` prints about a run. */
export function outcomeJson(run: Run, outcome: Outcome): object {
  const head = { workflowId: run.workflowId, runId: run.runId, status: statusOf(outcome) };
  return outcome.status === 'completed' ? { ...head, ...outcome.result } : { ...head, error: outcome.error };
}

/** How a run ended, in one word. A run whose quality gates did not all pass has a result too. */
export function statusOf(outcome: Outcome): Outcome['status'] | 'gateFailed' {
  return outcome.status === 'completed' && failedGates(outcome.result).length > 0 ? 'gateFailed' : outcome.status;
}
