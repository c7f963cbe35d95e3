import { workerCommand } from '../command-text.js';
import { retryRun } from '../control/retry.js';
import { exitCode } from '../exit-codes.js';
import { withRun } from '../find-run.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

export interface RetryOptions {
  from?: string;
}

/**
 * `retry [workflowId|FILE] [--from STAGE]`: runs an ended pipeline again, with the same request on the same task queue. Without a stage all
 * finished work is reused; with one, that stage and all later ones are recomputed.
 * @returns the exit code
 */
export async function retryCommand(which: string | undefined, { from }: RetryOptions, options: GlobalOptions): Promise<number> {
  return await withRun(which, options, async (client, execution) => {
    const { workflowId, taskQueue } = execution;
    const { runId, request } = await retryRun(client, options.state, execution, from);
    if (options.json) printJson({ workflowId, runId, status: 'running', taskQueue, from: from ?? null });
    else {
      const { anew, pipeline: { stages } } = request;
      const what = anew === undefined ? 'Started again:' : `Started again, recomputing from stage ${anew.from + 1} (${stages[anew.from].type}):`;
      process.stdout.write(`${what}\n  WorkflowId  ${workflowId}\n  RunId       ${runId}\n  TaskQueue   ${taskQueue}\n`);
    }
    if (!(await isServed(client, options.state, taskQueue))) {
      process.stderr.write(`No worker serves task queue ${taskQueue}: the run waits for one (${workerCommand(taskQueue, options.state)}).\n`);
    }
    return exitCode.done;
  });
}
