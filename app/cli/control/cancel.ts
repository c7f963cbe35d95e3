import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { CommandLineError } from '../errors.js';
import { isServed } from '../local/pollers.js';

/**
 * Requests the end of a run. Its finished work stays in the store.
 * @throws CommandLineError if the run is not running
 */
export async function cancelRun(client: Client, state: string, { workflowId, taskQueue, status }: WorkflowExecutionDescription): Promise<void> {
  if (status.name !== 'RUNNING') {
    throw new CommandLineError({ what: `pipeline ${workflowId} is not running: ${status.name.toLowerCase()}`, remedy: 'There is nothing to cancel' });
  }
  const handle = client.workflow.getHandle(workflowId);
  // Only a worker can carry out a cancellation. Without one nothing is in flight, and the server can end the run itself.
  if (await isServed(client, state, taskQueue)) await handle.cancel();
  else await handle.terminate('cancelled while no worker served it');
}
