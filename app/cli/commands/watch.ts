import { existsSync } from 'node:fs';
import { retryWhileUnavailable } from '../client.js';
import { workerCommand } from '../command-text.js';
import { Interrupted } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { checkHasServer, findRun } from '../find-run.js';
import { catchInterrupts } from '../interrupts.js';
import { isServed } from '../local/pollers.js';
import { logFile } from '../log.js';
import type { GlobalOptions } from '../options.js';
import { awaitOutcome } from '../outcome.js';
import { openDisplay } from '../progress/display.js';
import { followProgress } from '../progress/follow.js';
import { runStart } from '../run-start.js';
import { openSession } from '../session.js';
import { printJson } from '../output.js';
import { showOutcome } from '../show-outcome.js';

/**
 * `watch [workflowId|FILE]`: shows the progress and the result of a running pipeline. Starts and stops nothing.
 * @returns the exit code
 */
export async function watchCommand(which: string | undefined, options: GlobalOptions): Promise<number> {
  checkHasServer(options.state);
  const interrupts = catchInterrupts();
  const { signal } = interrupts;
  const display = openDisplay(process.stderr);
  // The worker may run on another machine.
  const log = logFile(options.state, 'worker');
  const stop = new AbortController();
  let following = Promise.resolve();
  try {
    const session = await openSession(options.state, { signal, say: (line) => display.message(line) });
    try {
      const execution = await retryWhileUnavailable(() => findRun(session.client, which, options), signal);
      const { workflowId, runId, taskQueue } = execution;
      const running = execution.status.name === 'RUNNING';
      display.message(`Pipeline ${workflowId}: ${execution.status.name.toLowerCase()}, started ${runStart(execution).toISOString()}`);
      if (running && !(await isServed(session.client, options.state, taskQueue))) {
        display.message(`No worker serves task queue ${taskQueue}: the run waits for one (${workerCommand(taskQueue, options.state)}).`);
      }
      if (running) following = followProgress(session.client, { workflowId }, (progress) => display.update(progress), AbortSignal.any([signal, stop.signal]));
      const outcome = await awaitOutcome(session.client, { workflowId }, signal);
      display.end();
      return showOutcome({ workflowId, runId }, outcome, { json: options.json, ...(existsSync(log) && { log }) });
    } finally {
      stop.abort();
      await following;
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write('Stopped watching; the pipeline continues.\n');
    if (options.json) printJson({ status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
  }
}
