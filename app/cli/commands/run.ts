import type { Client } from '@temporalio/client';
import type { Lock, ParsedPipeline } from '../../config/index.js';
import { newProgress } from '../../../workflows/progress.js';
import { throughOutages } from '../client.js';
import { thisCommand } from '../command-text.js';
import { Interrupted } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { checkStore } from '../store/check.js';
import { catchInterrupts, unlessAborted } from '../interrupts.js';
import { loadLockFor, type LockOptions } from '../load-lock.js';
import { loadPipelineFile } from '../load-pipeline.js';
import type { Say } from '../local/keep-server.js';
import { WorkerKeeper } from '../local/keep-worker.js';
import { closeLog, logFile, openLog } from '../log.js';
import type { GlobalOptions } from '../options.js';
import { awaitOutcome, statusOf, type Outcome } from '../outcome.js';
import { openDisplay, type Display } from '../progress/display.js';
import { followProgress, queryProgress } from '../progress/follow.js';
import { printJson } from '../output.js';
import { showOutcome } from '../show-outcome.js';
import { openSession } from '../session.js';
import { startPipeline, type Run, type Startable, type StartedRun } from '../start-pipeline.js';

/** What a run in the foreground works with. */
interface Foreground {
  parsed: ParsedPipeline;
  display: Display;
  signal: AbortSignal;
}

/**
 * `run FILE`: server, worker, workflow, progress and result in one, on this machine. Whatever dies meanwhile is brought back.
 * @returns the exit code
 */
export async function runCommand(file: string, options: GlobalOptions, locking: LockOptions = {}): Promise<number> {
  const parsed = loadPipelineFile(file, options);
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
    const session = await openSession(options.state, { signal: interrupts.signal, say });
    try {
      say(session.description);
      const run = await startThroughOutages(session.client, { ...parsed, lock }, options.taskQueue, interrupts.signal);
      const keeper = new WorkerKeeper(session.client, options, say);
      current = { run, keeper };
      say(`Pipeline ${run.workflowId} ${run.attached ? 'was running already; attached to it' : 'started'}.`);
      const outcome = await attend({ parsed, display, signal: interrupts.signal }, session.client, run, keeper);
      log.info('ended', { ...run, status: statusOf(outcome) });
      return show(run, outcome, logFile(options.state, 'worker'));
    } finally {
      await current.keeper?.stop();
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    display.end();
    process.stderr.write(`Interrupted. To continue where it stopped: ${thisCommand()}\n`);
    if (options.json) printJson({ workflowId: current.run?.workflowId, runId: current.run?.runId, status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
    await closeLog(log);
  }
}

async function startThroughOutages(client: Client, parsed: Startable, taskQueue: string, signal: AbortSignal): Promise<StartedRun> {
  return await unlessAborted(throughOutages(() => startPipeline(client, parsed, taskQueue), signal), signal);
}

/** Shows progress until the run ends, and keeps a worker alive meanwhile. */
async function attend({ parsed, display, signal }: Foreground, client: Client, run: Run, keeper: WorkerKeeper): Promise<Outcome> {
  const stop = new AbortController();
  const attending = AbortSignal.any([signal, stop.signal]);
  display.update(newProgress({ pipeline: parsed.pipeline, configDigest: parsed.digest }));
  const background = [keeper.keep(attending), followProgress(client, run, (progress) => display.update(progress), attending)];
  try {
    const outcome = await awaitOutcome(client, run, signal);
    // The polls have most likely missed the last units. If nobody answers any more, the result matters more.
    if (outcome.status === 'completed') await queryProgress(client, run).then((progress) => display.update(progress), () => undefined);
    return outcome;
  } finally {
    stop.abort();
    await Promise.all(background);
    display.end();
  }
}
