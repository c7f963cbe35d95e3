import { setTimeout as sleep } from 'node:timers/promises';
import { commandText, stateWords } from '../command-text.js';
import { cancelRun } from '../control/cancel.js';
import { exitCode } from '../exit-codes.js';
import { withRun } from '../find-run.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

const timeoutMs = 20_000;

/**
 * `cancel [workflowId|FILE]`: stops a pipeline. Its finished work stays in the state folder.
 * @returns the exit code
 */
export async function cancelCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  return await withRun(which, options, async (client, execution) => {
    const { workflowId, runId } = execution;
    await cancelRun(client, options.state, execution);
    const handle = client.workflow.getHandle(workflowId);
    const ended = await hasEnded(async () => (await handle.describe()).status.name !== 'RUNNING');
    if (options.json) printJson({ workflowId, runId, status: ended ? 'cancelled' : 'cancelling' });
    else {
      process.stdout.write(`${ended ? 'Cancelled' : 'Cancellation requested; the worker will end the run'}: ${workflowId}\n`);
      process.stdout.write(`Finished work is kept. To continue: ${commandText(['retry', workflowId, ...stateWords(options.state)])}, or run or start the same file again.\n`);
    }
    return exitCode.done;
  });
}

async function hasEnded(check: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(250)) {
    if (await check()) return true;
  }
  return false;
}
