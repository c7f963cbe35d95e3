import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { CommandLineError } from '../errors.js';
import { isServed } from '../local/pollers.js';

/**
 * Asks for the end of a run. What it has finished stays in the store.
 * @throws CommandLineError if it does not run
 */
export async function cancelRun(client: Client, state: string, { workflowId, taskQueue, status }: WorkflowExecutionDescription): Promise<void> {
  if (status.name !== 'RUNNING') {
    throw new CommandLineError({ what: `pipeline ${workflowId} is not running: ${status.name.toLowerCase()}`, remedy: 'There is nothing to cancel' });
  }
  const handle = client.workflow.getHandle(workflowId);
  // Only a worker can carry out a cancellation. If there is none, nothing is in flight, and the server can end it alone.
  if (await isServed(client, state, taskQueue)) await handle.cancel();
  else await handle.terminate('cancelled while no worker served it');
}
