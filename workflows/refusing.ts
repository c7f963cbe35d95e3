import { ApplicationFailure, TemporalFailure } from '@temporalio/workflow';

/**
 * Waits for the activity that checks a request. What cannot even be sent to it (nested too deeply) ends the workflow with the
 * reason: any other error would have the server try the same again without end.
 */
export async function refusing<T>(check: Promise<T>): Promise<T> {
  try {
    return await check;
  } catch (error) {
    if (error instanceof TemporalFailure) throw error;
    throw ApplicationFailure.create({ type: 'RequestError', nonRetryable: true, message: `request: it cannot be sent to a worker (${String(error).slice(0, 200)}). Start the run with \`temporal-pipeline start\`.` });
  }
}
