import { ApplicationFailure, TemporalFailure } from '@temporalio/workflow';

/**
 * Waits for the activity that checks a request. If the request cannot even be sent to it (for example, nested too deeply), the
 * workflow fails with the reason. For any other error the server would retry forever.
 */
export async function awaitRequestCheck<T>(check: Promise<T>): Promise<T> {
  try {
    return await check;
  } catch (error) {
    if (error instanceof TemporalFailure) throw error;
    throw ApplicationFailure.create({ type: 'RequestError', nonRetryable: true, message: `request: it cannot be sent to a worker (${String(error).slice(0, 200)}). Start the run with \`temporal-pipeline start\`.` });
  }
}
