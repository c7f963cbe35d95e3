import { isCancellation, proxySinks, TemporalFailure, workflowInfo, type Sinks } from '@temporalio/workflow';
import type { GateResult, Incident, PipelineRequest, PipelineResult, Timeline } from './protocol.js';

/** How a run ended, for programs that watch a worker. */
export interface EndedRun {
  workflowId: string;
  runId: string;
  name: string;
  status: 'completed' | 'gateFailed' | 'failed' | 'cancelled';
  /** ISO 8601. */
  at: string;
  gates?: Pick<GateResult, 'gate' | 'asked' | 'found' | 'passed'>[];
  perplexity?: PipelineResult['perplexity'];
  sparsity?: PipelineResult['sparsity'];
  checkpoint?: string;
  report?: string;
  published?: PipelineResult['published'];
  error?: { type: string; message: string };
}

/** The data of a trace in addition to {@link EndedRun}. */
export interface TraceParts {
  timeline: Timeline;
  incidents: Incident[];
  /** Set if the run has a result. */
  result?: Pick<PipelineResult, 'model' | 'engine' | 'pattern'>;
}

/** What a workflow tells the worker that runs it. It adds no event to the history, so old histories still replay. */
export interface RunSinks extends Sinks {
  runs: { ended(run: EndedRun, parts: TraceParts): void };
}

const { runs } = proxySinks<RunSinks>();

/**
 * Runs a workflow and tells its worker how it ended. A terminated run tells nothing, because none of its code runs any more.
 * @param soFar returns what was done and what happened until then
 */
export async function withEndReport(request: PipelineRequest, soFar: () => Omit<TraceParts, 'result'>, run: () => Promise<PipelineResult>): Promise<PipelineResult> {
  const { workflowId, runId } = workflowInfo();
  const common = { workflowId, runId, name: nameOf(request) };
  try {
    const result = await run();
    const { gates, perplexity, sparsity, checkpoint, report, published, model, engine, pattern } = result;
    runs.ended({
      ...common, at: now(), status: gates?.some(({ passed }) => !passed) === true ? 'gateFailed' : 'completed', perplexity, sparsity, checkpoint, report,
      ...(gates && { gates: gates.map(({ gate, asked, found, passed }) => ({ gate, asked, found, passed })) }), ...(published && { published }),
    }, { ...soFar(), result: { model, engine, pattern } });
    return result;
  } catch (error) {
    // Other errors do not end the run: it continues in another execution, or the server retries this task.
    if (error instanceof TemporalFailure) runs.ended({ ...common, at: now(), status: isCancellation(error) ? 'cancelled' : 'failed', error: reasonOf(error) }, soFar());
    throw error;
  }
}

const now = (): string => new Date().toISOString();

/** Returns the pipeline's name. The request may be unchecked, because a run can fail before the check. */
function nameOf(request: unknown): string {
  const { name } = ((request as Partial<PipelineRequest> | null)?.pipeline ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name.slice(0, 200) : '';
}

/** Returns the innermost cause, which says what went wrong. */
function reasonOf(error: unknown): { type: string; message: string } {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (!(inner instanceof Error)) return { type: '', message: String(inner).slice(0, 2000) };
  const { type } = inner as { type?: unknown };
  return { type: typeof type === 'string' ? type : inner.name, message: inner.message.slice(0, 2000) };
}
