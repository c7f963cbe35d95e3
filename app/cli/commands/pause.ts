import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { commandText, stateWords, workerCommand } from '../command-text.js';
import { pauseRun, resumeRun } from '../control/pause.js';
import { exitCode } from '../exit-codes.js';
import { withRun } from '../find-run.js';
import type { GlobalOptions } from '../options.js';
import { queryProgress } from '../progress/follow.js';
import { printJson } from '../output.js';
import type { Run } from '../start-pipeline.js';

/** How long a person waits for the layer in flight. */
const timeoutMs = 5_000;

/**
 * `pause [workflowId|FILE]`: starts no more layers; the one in flight finishes. A paused run survives the end of its workers and its
 * server.
 * @returns the exit code
 */
export async function pauseCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  return await withRun(which, options, async (client, execution) => {
    const run: Run = { workflowId: execution.workflowId, runId: execution.runId };
    const served = await pauseRun(client, options.state, execution);
    // Without a worker there is no answer, but nothing is in flight either.
    const paused = !served || (await isPaused(client, run));
    if (options.json) printJson({ ...run, status: paused ? 'paused' : 'pausing' });
    else {
      const onward = commandText(['resume', run.workflowId, ...stateWords(options.state)]);
      process.stdout.write(`${paused ? 'Paused' : 'Pausing once the layer in flight is finished'}: ${run.workflowId}\nTo continue: ${onward}\n`);
    }
    return exitCode.done;
  });
}

/**
 * `resume [workflowId|FILE]`: lets a paused pipeline continue where it was.
 * @returns the exit code
 */
export async function resumeCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  return await withRun(which, options, async (client, execution) => {
    const { workflowId, runId } = execution;
    const served = await resumeRun(client, options.state, execution);
    if (options.json) printJson({ workflowId, runId, status: 'running' });
    else process.stdout.write(`Resumed: ${workflowId}\n`);
    if (!served && !options.json) process.stderr.write(`No worker serves its task queue; the run continues once there is one (${workerCommand(execution.taskQueue, options.state)}).\n`);
    return exitCode.done;
  });
}

async function isPaused(client: Client, run: Run): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(200)) {
    const progress = await queryProgress(client, run).catch(() => undefined);
    if (progress?.pause === 'reached') return true;
  }
  return false;
}
