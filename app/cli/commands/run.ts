import { once } from 'node:events';
import type { Lock, ParsedPipeline } from '../../config/index.js';
import { commandText, stateWords, thisCommand } from '../command-text.js';
import { Interrupted } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { setUpOnFirstUse } from '../first-use.js';
import { checkStore } from '../store/check.js';
import { catchInterrupts } from '../interrupts.js';
import { loadLockFor, type LockOptions } from '../load-lock.js';
import { loadPipelineFile } from '../load-pipeline.js';
import type { Say } from '../local/supervise-server.js';
import type { WorkerSupervisor } from '../local/supervise-worker.js';
import { closeLog, logFile, openLog } from '../log.js';
import type { GlobalOptions } from '../options.js';
import { statusOf, type Outcome } from '../outcome.js';
import { openDisplay } from '../progress/display.js';
import { printJson } from '../output.js';
import { usesLocalServer, type Session } from '../session.js';
import { showOutcome } from '../show-outcome.js';
import { runToEnd } from '../run-to-end.js';
import type { Run } from '../start-pipeline.js';

/** Options specific to `run`. */
export interface RunFlags extends LockOptions {
  ui: boolean;
}

/**
 * `run FILE`: starts server, worker and workflow on this machine, and shows progress and result. Restarts a server or worker that dies
 * meanwhile.
 * @returns the exit code
 */
export async function runCommand(file: string, options: GlobalOptions, { ui = false, ...locking }: Partial<RunFlags> = {}): Promise<number> {
  // A server that others use too may have workers on machines that have the files, so do not check them here.
  const parsed = loadPipelineFile(file, { ...options, files: usesLocalServer() });
  const lock = loadLockFor(file, locking);
  return await runHere(parsed, options, { lock, ui, show: (run, outcome, log) => showOutcome(run, outcome, { json: options.json, log }) });
}

/** How a run in the foreground begins and ends. */
export interface ForegroundOptions {
  /** The lock that the run must match. */
  lock?: Lock;
  /** Also serve a page: on a terminal until Ctrl-C, otherwise until the run has ended. */
  ui?: boolean;
  /** Prints how the run ended. @param log path of the worker's log. @returns the exit code */
  show: (run: Run, outcome: Outcome, log: string) => number;
}

/** Runs a pipeline on this machine to its end. @returns the exit code */
export async function runHere(parsed: ParsedPipeline, options: GlobalOptions, { lock, ui = false, show }: ForegroundOptions): Promise<number> {
  await setUpOnFirstUse();
  await checkStore(options);
  const log = openLog({ state: options.state, process: 'run', verbose: options.verbose });
  const display = openDisplay(process.stderr);
  const say: Say = (line) => {
    display.message(line);
    log.info(line);
  };
  let current: { run?: Run; keeper?: WorkerSupervisor } = {};
  const interrupts = catchInterrupts(() => current.keeper?.kill());
  let shown: number | undefined;
  const showOnce = (run: Run, outcome: Outcome): number => {
    if (shown !== undefined) return shown;
    display.end();
    log.info('ended', { ...run, status: statusOf(outcome) });
    return (shown = show(run, outcome, logFile(options.state, 'worker')));
  };
  try {
    const { run, outcome } = await runToEnd({
      parsed: { ...parsed, ...(lock !== undefined && { lock }) },
      options,
      signal: interrupts.signal,
      say,
      onWait: (what) => display.waiting(what),
      onProgress: (progress) => display.update(progress),
      onStart: (run, keeper) => (current = { run, keeper }),
      ...(ui && { beside: (session) => pageBeside(session, { options, tell: (line) => display.message(line), signal: interrupts.signal, onEnd: showOnce }) }),
    });
    return showOnce(run, outcome);
  } catch (error) {
    display.end();
    if (!(error instanceof Interrupted)) throw error;
    const { run, keeper } = current;
    // A worker that this command did not start continues the run.
    const goesOn = run !== undefined && keeper?.isServedByAnother === true;
    process.stderr.write(goesOn ? `Stopped watching; the run continues on another worker. To see it: ${commandText(['watch', run.workflowId, ...stateWords(options.state)])}\n` : `Interrupted. To continue where it stopped: ${thisCommand()}\n`);
    if (options.json) printJson({ workflowId: current.run?.workflowId, runId: current.run?.runId, status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
    await closeLog(log);
  }
}

interface PageBeside {
  options: GlobalOptions;
  /** Shown to the person only: a token does not belong in a log. */
  tell: (line: string) => void;
  signal: AbortSignal;
  onEnd: (run: Run, outcome: Outcome) => void;
}

/** Serves the page of `ui` beside a run. @returns a function that, once the run has ended, waits for the person at the terminal */
async function pageBeside(session: Session, { options, tell, signal, onEnd }: PageBeside): Promise<(run: Run, outcome: Outcome) => Promise<void>> {
  const { openUi } = await import('./ui.js');
  const ui = await openUi(session, { port: 0 }, options);
  tell(`Page of this run: ${ui.address}`);
  signal.addEventListener('abort', () => void ui.close(), { once: true });
  return async (run, outcome) => {
    onEnd(run, outcome);
    if (process.stderr.isTTY && !signal.aborted) {
      process.stderr.write('The page stays until Ctrl-C.\n');
      await once(signal, 'abort');
    }
    await ui.close();
  };
}
