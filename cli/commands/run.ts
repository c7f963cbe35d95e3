import type { ParsedPipeline } from '../../config/index.js';
import { newProgress } from '../../workflows/progress.js';
import { throughOutages } from '../client.js';
import { thisCommand } from '../command-text.js';
import { Interrupted } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { catchInterrupts } from '../interrupts.js';
import { loadPipelineFile } from '../load-pipeline.js';
import { keepServer, type Say } from '../local/keep-server.js';
import { WorkerKeeper } from '../local/keep-worker.js';
import { closeLog, logFile, openLog } from '../log.js';
import type { GlobalOptions } from '../options.js';
import { awaitOutcome, type Outcome } from '../outcome.js';
import { openDisplay, type Display } from '../progress/display.js';
import { followProgress, queryProgress } from '../progress/follow.js';
import { printJson, showOutcome } from '../show-outcome.js';
import { openSession, type Session } from '../session.js';
import { startPipeline, type Run } from '../start-pipeline.js';

/** What a run in the foreground works with. */
interface Foreground {
  parsed: ParsedPipeline;
  options: GlobalOptions;
  display: Display;
  say: Say;
  signal: AbortSignal;
}

/**
 * `run FILE`: server, worker, workflow, progress and result in one, on this machine. Whatever dies meanwhile is brought back.
 * @returns the exit code
 */
export async function runCommand(file: string, options: GlobalOptions): Promise<number> {
  const parsed = loadPipelineFile(file, options);
  const log = openLog({ state: options.state, process: 'run', verbose: options.verbose });
  const display = openDisplay(process.stderr);
  const say: Say = (line) => {
    display.message(line);
    log.info(line);
  };
  let current: { run?: Run; keeper?: WorkerKeeper } = {};
  const interrupts = catchInterrupts(() => current.keeper?.kill());
  try {
    const foreground: Foreground = { parsed, options, display, say, signal: interrupts.signal };
    const session = await openSession(options.state, interrupts.signal);
    try {
      say(session.description);
      const run = await throughOutages(() => startPipeline(session.client, parsed, options.taskQueue), interrupts.signal);
      const keeper = new WorkerKeeper(session.client, options, say);
      current = { run, keeper };
      say(`Pipeline ${run.workflowId} ${run.attached ? 'was running already; attached to it' : 'started'}.`);
      const outcome = await attend(foreground, session, run, keeper);
      log.info('ended', { ...run, status: outcome.status });
      return showOutcome(run, outcome, { json: options.json, log: logFile(options.state, 'worker') });
    } finally {
      await current.keeper?.stop();
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    display.end();
    process.stderr.write(`Interrupted. To go on where it stopped: ${thisCommand()}\n`);
    if (options.json) printJson({ workflowId: current.run?.workflowId, runId: current.run?.runId, status: 'interrupted' });
    return exitCode.interrupted;
  } finally {
    interrupts.dispose();
    await closeLog(log);
  }
}

/** Shows progress until the run ends, and keeps server and worker alive meanwhile. */
async function attend({ parsed, options, display, say, signal }: Foreground, session: Session, run: Run, keeper: WorkerKeeper): Promise<Outcome> {
  const stop = new AbortController();
  const attending = AbortSignal.any([signal, stop.signal]);
  display.update(newProgress({ pipeline: parsed.pipeline, configDigest: parsed.digest }));
  const background = [
    keeper.keep(attending),
    ...(session.settings.local ? [keepServer(options.state, attending, say)] : []),
    followProgress(session.client, run, (progress) => display.update(progress), attending),
  ];
  try {
    const outcome = await awaitOutcome(session.client, run, signal);
    // The polls have most likely missed the last units.
    if (outcome.status === 'completed') display.update(await queryProgress(session.client, run));
    return outcome;
  } finally {
    stop.abort();
    await Promise.all(background);
    display.end();
  }
}
