import path from 'node:path';
import type { Lock } from '../config/lock.js';
import type { ParsedPipeline } from '../config/parse.js';
import type { PipelineProgress, PipelineResult } from '../../workflows/protocol.js';
import { resolvePlace, type Place } from './place.js';
import { setUp } from './set-up.js';

/** How a pipeline is run. */
export interface RunOptions extends Place {
  /** Aborting leaves the run where it is. Running the pipeline again continues there. */
  signal?: AbortSignal;
  /** Called about twice a second. */
  onProgress?: (progress: PipelineProgress) => void;
  /** Called with a line about the server, the worker, or a restart of either. */
  onMessage?: (line: string) => void;
  /** The lock that the run must match. */
  lock?: Lock;
}

/** One execution of a pipeline. */
export interface StartedRun {
  workflowId: string;
  runId: string;
  /** True if the run was in progress already, so nothing new was started. */
  attached: boolean;
}

/** How a run ended. A run whose quality gates failed has a result too. */
export type FinishedRun = { workflowId: string; runId: string } & (
  | { status: 'completed' | 'gateFailed'; result: PipelineResult }
  | { status: 'failed' | 'cancelled'; error: { type: string; message: string } }
);

/**
 * Runs a pipeline on this machine to its end, like `temporal-pipeline run`. Starts a server and a worker if none is running. Running the
 * same pipeline again reuses its finished work.
 * @throws the signal's reason on abort; SetUpError; anything that keeps the run from starting
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
 * Starts a pipeline for workers that run elsewhere, or will run later, and returns. Uses the server that Temporal's environment variables
 * name, else the local one of the state folder, which a worker starts.
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
