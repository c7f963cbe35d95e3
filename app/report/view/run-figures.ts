import { gapClosed } from '../../../workflows/gap-closed.js';
import type { PipelineResult } from '../../../workflows/protocol.js';

/** The figures of a result in a list of runs: the perplexities of its first text, and their cost. */
export interface RunFigures {
  dataset?: string;
  dense?: number;
  initial?: number;
  rebuilt?: number;
  /** Share of the initial mask's damage that the rebuild undid. */
  gap?: number;
  /** Actual share of zeros. */
  sparsity: number;
  /** Seconds of work. */
  seconds: number;
}

export function runFigures({ perplexity, sparsity, seconds }: Pick<PipelineResult, 'perplexity' | 'sparsity' | 'seconds'>): RunFigures {
  const dataset = Object.keys(perplexity.rebuilt ?? perplexity.initial ?? perplexity.dense ?? {}).at(0);
  const common = { sparsity: sparsity.actual, seconds: seconds.total };
  if (dataset === undefined) return common;
  const [dense, initial, rebuilt] = [perplexity.dense?.[dataset], perplexity.initial?.[dataset], perplexity.rebuilt?.[dataset]];
  const gap = gapClosed(dense, initial, rebuilt);
  return { ...common, dataset, ...(dense !== undefined && { dense }), ...(initial !== undefined && { initial }), ...(rebuilt !== undefined && { rebuilt }), ...(gap !== undefined && { gap }) };
}
