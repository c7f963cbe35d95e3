import path from 'node:path';
import type { Lock } from '../config/lock.js';
import type { ParsedPipeline } from '../config/parse.js';
import type { PipelineProgress, PipelineResult } from '../../workflows/protocol.js';
import { resolvePlace, type Place } from './place.js';
import { setUp } from './set-up.js';

/** How a pipeline is run. */
export interface RunOptions extends Place {
  /** Leaves the run where it is; running the pipeline again goes on there. */
  signal?: AbortSignal;
  /** Called about twice a second. */
  onProgress?: (progress: PipelineProgress) => void;
  /** Called with a line about server, worker and what had to be brought back. */
  onMessage?: (line: string) => void;
  /** What the run has to be equal to. */
  lock?: Lock;
}

/** One execution of a pipeline. */
export interface StartedRun {
  workflowId: string;
  runId: string;
  /** True if it was running already, so that nothing new was started. */
  attached: boolean;
}

/** How a run ended. One whose quality gates failed has a result, too. */
export type FinishedRun = { workflowId: string; runId: string } & (
  | { status: 'completed' | 'gateFailed'; result: PipelineResult }
  | { status: 'failed' | 'cancelled'; error: { type: string; message: string } }
);

/**
 * Runs a pipeline on this machine to its end, as `temporal-pipeline run` does. Starts a server and a worker if none is running.
 * The same pipeline again finds its finished work.
 * @throws the signal's reason when it aborts; SetUpError, and what keeps a run from starting
 */
export async function runPipeline(parsed: ParsedPipeline, options: RunOptions = {}): Promise<FinishedRun> {
  const place = resolvePlace(options);
  await setUp();
  const [{ checkStore }, { runToEnd }, { statusOf }] = await Promise.all([import('../cli/store/check.js'), import('../cli/run-to-end.js'), import('../cli/outcome.js')]);
  await checkStore(place);
  const { run, outcome } = await runToEnd({
    parsed: startable(parsed, options.lock),
    options: { ...place, verbose: false },
    signal: options.signal ?? new AbortController().signal,
    say: options.onMessage ?? (() => undefined),
    onProgress: options.onProgress ?? (() => undefined),
  });
  const { workflowId, runId } = run;
  if (outcome.status === 'completed') return { workflowId, runId, status: statusOf(outcome) as 'completed' | 'gateFailed', result: outcome.result };
  return { workflowId, runId, ...outcome };
}

/**
 * Starts a pipeline for workers that run elsewhere or will, and returns: on the server that Temporal's environment variables name,
 * else on the local one of the state folder, which a worker brings up.
 * @throws ServerUnreachableError, OtherStateError
 */
export async function startPipeline(parsed: ParsedPipeline, options: Place & { lock?: Lock } = {}): Promise<StartedRun> {
  const { state, taskQueue } = resolvePlace(options);
  const [{ joinSession }, starting] = await Promise.all([import('../cli/session.js'), import('../cli/start-pipeline.js')]);
  const session = await joinSession(state);
  try {
    const { workflowId, runId, attached } = await starting.startPipeline(session.client, startable(parsed, options.lock), taskQueue);
    return { workflowId, runId, attached };
  } finally {
    await session.close();
  }
}

function startable(parsed: ParsedPipeline, lock: Lock | undefined): ParsedPipeline & { lock?: Lock } {
  return { ...parsed, folder: path.resolve(parsed.folder), ...(lock !== undefined && { lock }) };
}
