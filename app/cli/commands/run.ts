import type { Lock, ParsedPipeline } from '../../config/index.js';
import { thisCommand } from '../command-text.js';
import { Interrupted } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { setUpOnFirstUse } from '../first-use.js';
import { checkStore } from '../store/check.js';
import { catchInterrupts } from '../interrupts.js';
import { loadLockFor, type LockOptions } from '../load-lock.js';
import { loadPipelineFile } from '../load-pipeline.js';
import type { Say } from '../local/keep-server.js';
import type { WorkerKeeper } from '../local/keep-worker.js';
import { closeLog, logFile, openLog } from '../log.js';
import type { GlobalOptions } from '../options.js';
import { statusOf, type Outcome } from '../outcome.js';
import { openDisplay } from '../progress/display.js';
import { printJson } from '../output.js';
import { usesLocalServer } from '../session.js';
import { showOutcome } from '../show-outcome.js';
import { runToEnd } from '../run-to-end.js';
import type { Run } from '../start-pipeline.js';

/**
 * `run FILE`: server, worker, workflow, progress and result in one, on this machine. Whatever dies meanwhile is brought back.
 * @returns the exit code
 */
export async function runCommand(file: string, options: GlobalOptions, locking: LockOptions = {}): Promise<number> {
  // Behind a server that others use too, workers may be on machines that have the files.
  const parsed = loadPipelineFile(file, { ...options, files: usesLocalServer() });
  const lock = loadLockFor(file, locking);
  return await runHere(parsed, options, { lock, show: (run, outcome, log) => showOutcome(run, outcome, { json: options.json, log }) });
}

/** How a run in the foreground begins and ends. */
export interface ForegroundOptions {
  /** What it has to be equal to. */
  lock?: Lock;
  /** Prints how it ended. @param log the worker's. @returns the exit code */
  show: (run: Run, outcome: Outcome, log: string) => number;
}

/** Runs a pipeline on this machine to its end. @returns the exit code */
export async function runHere(parsed: ParsedPipeline, options: GlobalOptions, { lock, show }: ForegroundOptions): Promise<number> {
  await setUpOnFirstUse();
  await checkStore(options);
  const log = openLog({ state: options.state, process: 'run', verbose: options.verbose });
  const display = openDisplay(process.stderr);
  const say: Say = (line) => {
    display.message(line);
    log.info(line);
  };
  let current: { run?: Run; keeper?: WorkerKeeper } = {};
  const interrupts = catchInterrupts(() => current.keeper?.kill());
  try {
    const { run, outcome } = await runToEnd({
      parsed: { ...parsed, ...(lock !== undefined && { lock }) },
      options,
      signal: interrupts.signal,
      say,
      onProgress: (progress) => display.update(progress),
      onStart: (run, keeper) => (current = { run, keeper }),
    });
    display.end();
    log.info('ended', { ...run, status: statusOf(outcome) });
    return show(run, outcome, logFile(options.state, 'worker'));
  } catch (error) {
    display.end();
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(`Interrupted. To continue where it stopped: ${thisCommand()}\n`);
    if (options.json) printJson({ workflowId: current.run?.workflowId, runId: current.run?.runId, status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
    await closeLog(log);
  }
}
