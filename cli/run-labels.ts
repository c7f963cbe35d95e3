import { basename, isAbsolute } from 'node:path';
import type { Pipeline } from '../config/pipeline.js';
import { CommandLineError } from './errors.js';

/** What a run is found by, in `list` and in Temporal's own pages. */
export interface RunLabels {
  /** The model folder's name, or the repository id. */
  model: string;
  /** Share of zeros asked for; absent where a mask file decides, or nothing is pruned. */
  sparsity?: number;
  pattern?: string;
  /** How the masks are made, in order: `wanda`, `owl`, `guarded`, ... */
  methods: string[];
}

/** Labels of a pipeline's runs. */
export function labelsOf({ model, stages }: Pick<Pipeline, 'model' | 'stages'>): RunLabels {
  const start = stages.find((stage) => stage.type === 'initialMask');
  const methods = stages.flatMap((stage) => {
    if (stage.type === 'initialMask') return [stage.method, ...(stage.allocation === undefined ? [] : [stage.allocation.method])];
    return stage.type === 'rebuild' ? [stage.strategy] : [];
  });
  return {
    model: isAbsolute(model.source) ? basename(model.source) : model.source,
    ...(start?.sparsity === undefined ? {} : { sparsity: start.sparsity }),
    ...(start?.pattern === undefined ? {} : { pattern: start.pattern }),
    methods: [...new Set(methods)],
  };
}

/** Labels as a command line asks for them; all that are given must agree. */
export interface LabelOptions {
  model?: string;
  sparsity?: string;
  pattern?: string;
  method?: string;
}

/**
 * Whether a run has the labels that are asked for. A run without labels has none.
 * @throws CommandLineError
 */
export function labelFilter({ model, sparsity, pattern, method }: LabelOptions): (labels: Partial<RunLabels>) => boolean {
  const share = Number(sparsity ?? 0);
  if (sparsity !== undefined && !(sparsity.trim() !== '' && share >= 0 && share < 1)) {
    throw new CommandLineError({ what: `--sparsity ${sparsity} is no share of zeros`, expected: 'a number from 0 to below 1, for instance 0.5' });
  }
  return (labels) =>
    (model === undefined || labels.model === model) &&
    // A pattern's sparsity is a quotient.
    (sparsity === undefined || (labels.sparsity !== undefined && Math.abs(labels.sparsity - share) < 1e-6)) &&
    (pattern === undefined || labels.pattern === pattern) &&
    (method === undefined || (labels.methods ?? []).includes(method));
}
