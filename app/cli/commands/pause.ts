import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { pauseSignal, resumeSignal } from '../../../workflows/protocol.js';
import { commandText, stateWords } from '../command-text.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { withRun } from '../find-run.js';
import { isServed } from '../local/pollers.js';
import type { GlobalOptions } from '../options.js';
import { queryProgress } from '../progress/follow.js';
import { printJson } from '../output.js';
import type { Run } from '../start-pipeline.js';

/** How long a person is kept waiting for the layer in flight. */
const patienceMs = 5_000;

/**
 * `pause [workflowId|FILE]`: no layer begins any more; the one in flight finishes. A paused run survives its workers and its server.
 * @returns the exit code
 */
export async function pauseCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  return await withRunning(which, options, async (client, run, served) => {
    await client.workflow.getHandle(run.workflowId).signal(pauseSignal);
    // Without a worker there is no answer, but nothing is in flight either.
    const paused = !served || (await isPaused(client, run));
    if (options.json) return printJson({ ...run, status: paused ? 'paused' : 'pausing' });
    const onward = commandText(['resume', run.workflowId, ...stateWords(options.state)]);
    process.stdout.write(`${paused ? 'Paused' : 'Pausing once the layer in flight is finished'}: ${run.workflowId}\nTo continue: ${onward}\n`);
  });
}

/**
 * `resume [workflowId|FILE]`: lets a paused pipeline continue where it was.
 * @returns the exit code
 */
export async function resumeCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  return await withRunning(which, options, async (client, run, served) => {
    await client.workflow.getHandle(run.workflowId).signal(resumeSignal);
    if (options.json) return printJson({ ...run, status: 'running' });
    process.stdout.write(`Resumed: ${run.workflowId}\n`);
    if (!served) process.stderr.write(`No worker serves its task queue; it continues when there is a worker (${commandText(['worker', ...stateWords(options.state)])}).\n`);
  });
}

async function withRunning(which: string | undefined, options: GlobalOptions, act: (client: Client, run: Run, served: boolean) => Promise<void>): Promise<number> {
  return await withRun(which, options, async (client, { workflowId, runId, taskQueue, status }) => {
    const notRunning = (state: string, cause?: unknown): CommandLineError =>
      new CommandLineError({ what: `pipeline ${workflowId} is not running: ${state}`, remedy: `To continue: ${commandText(['retry', workflowId, ...stateWords(options.state)])}. Finished work is kept` }, { cause });
    if (status.name !== 'RUNNING') throw notRunning(status.name.toLowerCase());
    try {
      await act(client, { workflowId, runId }, await isServed(client, options.state, taskQueue));
    } catch (error) {
      throw error instanceof WorkflowNotFoundError ? notRunning('it has just ended', error) : error;
    }
    return exitCode.done;
  });
}

async function isPaused(client: Client, run: Run): Promise<boolean> {
  for (const giveUp = Date.now() + patienceMs; Date.now() < giveUp; await sleep(200)) {
    const progress = await queryProgress(client, run).catch(() => undefined);
    if (progress?.pause === 'reached') return true;
  }
  return false;
}
