import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { pauseSignal, resumeSignal } from '../../../workflows/protocol.js';
import { commandText, stateWords } from '../command-text.js';
import { CommandLineError } from '../errors.js';
import { isServed } from '../local/pollers.js';

/**
 * Asks a run to pause once the layer in flight is finished.
 * @returns whether a worker serves the run; without one nothing is in flight
 * @throws CommandLineError if the run is not running
 */
export const pauseRun = (client: Client, state: string, execution: WorkflowExecutionDescription): Promise<boolean> => signalRun(client, state, execution, pauseSignal);

/**
 * Lets a paused run continue.
 * @returns whether a worker serves the run; otherwise it continues once there is one
 * @throws CommandLineError if the run is not running
 */
export const resumeRun = (client: Client, state: string, execution: WorkflowExecutionDescription): Promise<boolean> => signalRun(client, state, execution, resumeSignal);

async function signalRun(client: Client, state: string, { workflowId, taskQueue, status }: WorkflowExecutionDescription, signal: string): Promise<boolean> {
  const done = signal === pauseSignal ? 'There is nothing to pause' : 'There is nothing to resume';
  const notRunning = (how: string, cause?: unknown): CommandLineError =>
    new CommandLineError({ what: `pipeline ${workflowId} is not running: ${how}`, remedy: how === 'completed' ? done : `To continue: ${commandText(['retry', workflowId, ...stateWords(state)])}. Finished work is kept` }, { cause });
  if (status.name !== 'RUNNING') throw notRunning(status.name.toLowerCase());
  const served = await isServed(client, state, taskQueue);
  try {
    await client.workflow.getHandle(workflowId).signal(signal);
  } catch (error) {
    throw error instanceof WorkflowNotFoundError ? notRunning('it has just ended', error) : error;
  }
  return served;
}
