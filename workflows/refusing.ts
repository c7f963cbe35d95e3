import { ApplicationFailure, TemporalFailure, workflowInfo } from '@temporalio/workflow';

/** A request that is refused by the workflow itself. */
export function refusal(why: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'RequestError', nonRetryable: true, message: `request: ${why}. Start it with \`temporal-pipeline start\`.` });
}

/**
 * Waits for the activity that checks a request. What cannot even be sent to it (nested too deeply) ends the workflow with the
 * reason: any other error would have the server try the same again without end.
 */
export async function refusing<T>(check: Promise<T>): Promise<T> {
  try {
    return await check;
  } catch (error) {
    if (error instanceof TemporalFailure) throw error;
    throw refusal(`it cannot be sent to a worker (${String(error).slice(0, 200)})`);
  }
}

/**
 * Whether this execution was begun by one of ours, by continuing as new. A schedule in cron's form or a retry policy begins
 * executions as well, with whatever somebody gave to the first one.
 */
export function isContinuation(): boolean {
  const { continuedFromExecutionRunId, cronSchedule, retryPolicy } = workflowInfo();
  return continuedFromExecutionRunId !== undefined && (cronSchedule ?? '') === '' && (retryPolicy ?? null) === null;
}
