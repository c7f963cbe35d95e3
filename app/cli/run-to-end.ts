import { newProgress } from '../../workflows/progress.js';
import type { PipelineProgress } from '../../workflows/protocol.js';
import { retryWhileUnavailable } from './client.js';
import { unlessAborted } from './interrupts.js';
import type { Say } from './local/supervise-server.js';
import { WorkerSupervisor } from './local/supervise-worker.js';
import type { GlobalOptions } from './options.js';
import { awaitOutcome, type Outcome } from './outcome.js';
import { followProgress, queryProgress } from './progress/follow.js';
import { openSession, type Session } from './session.js';
import { startPipeline, type Run, type Startable } from './start-pipeline.js';

/** What is needed to run a pipeline to its end. */
export interface RunToEnd {
  parsed: Startable;
  options: Pick<GlobalOptions, 'state' | 'store' | 'taskQueue' | 'verbose'>;
  /** Aborting leaves the run where it is. */
  signal: AbortSignal;
  say: Say;
  onProgress: (progress: PipelineProgress) => void;
  /** Called with what the run waits for before it can start. */
  onWait?: (what: string) => void;
  /** Called once the run has started. The keeper may have started a worker for it. */
  onStart?: (run: Run, keeper: WorkerSupervisor) => void;
  /**
   * Called once the server is there. The function that it returns is called when the run has ended; server and worker stay until that has
   * finished.
   */
  beside?: (session: Session) => Promise<(run: Run, outcome: Outcome) => Promise<void>>;
}

/**
 * Runs a pipeline to its end, with a server and a worker on this machine. Restarts a server or worker that dies meanwhile.
 * @throws the signal's reason when it aborts
 */
export async function runToEnd(request: RunToEnd): Promise<{ run: Run; outcome: Outcome }> {
  const { options, signal, say } = request;
  request.onWait?.('the Temporal server');
  const session = await openSession(options.state, { signal, say });
  const keeper = new WorkerSupervisor(session.client, options, say);
  try {
    say(session.description);
    const ended = await request.beside?.(session);
    const starting = retryWhileUnavailable(() => startPipeline(session.client, request.parsed, options.taskQueue), signal);
    const run = await unlessAborted(starting, signal);
    request.onStart?.(run, keeper);
    say(`Pipeline ${run.workflowId} ${run.attached ? 'was already running; attached to it' : 'started'}.`);
    const outcome = await followToEnd(session, run, keeper, request);
    await ended?.(run, outcome);
    return { run, outcome };
  } finally {
    await keeper.stop();
    await session.close();
  }
}

/** Reports progress until the run ends, and keeps a worker alive meanwhile. */
async function followToEnd({ client }: Session, run: Run, keeper: WorkerSupervisor, { parsed, signal, onProgress }: RunToEnd): Promise<Outcome> {
  const stop = new AbortController();
  const attending = AbortSignal.any([signal, stop.signal]);
  onProgress(newProgress({ pipeline: parsed.pipeline, configDigest: parsed.digest }));
  const background = [keeper.supervise(attending), followProgress(client, run, onProgress, attending)];
  try {
    const outcome = await awaitOutcome(client, run, signal);
    // The polls have most likely missed the last units. If nobody answers any more, the result matters more.
    if (outcome.status === 'completed') await queryProgress(client, run).then(onProgress, () => undefined);
    return outcome;
  } finally {
    stop.abort();
    await Promise.all(background);
  }
}
