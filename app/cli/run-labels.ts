import type { RunLabels } from '../../workflows/run-labels.js';
import { CommandLineError } from './errors.js';

export { labelsOf, type RunLabels } from '../../workflows/run-labels.js';

/** Labels that a command line asks for. All of them must match. */
export interface LabelOptions {
  model?: string;
  sparsity?: string;
  pattern?: string;
  method?: string;
  gate?: string;
}

/**
 * Returns a function that says whether a run has the given labels. A run without labels never matches.
 * @throws CommandLineError
 */
export function labelFilter({ model, sparsity, pattern, method, gate }: LabelOptions): (labels: Partial<RunLabels>) => boolean {
  const share = Number(sparsity ?? 0);
  if (sparsity !== undefined && !(sparsity.trim() !== '' && share >= 0 && share < 1)) {
    throw new CommandLineError({ what: `--sparsity ${sparsity} is not a valid share of zeros`, expected: 'a number from 0 to below 1, for example 0.5' });
  }
  return (labels) =>
    (model === undefined || labels.model === model) &&
    // The sparsity of a pattern is a quotient.
    (sparsity === undefined || (labels.sparsity !== undefined && Math.abs(labels.sparsity - share) < 1e-6)) &&
    (pattern === undefined || labels.pattern === pattern) &&
    (gate === undefined || labels.gate === gate) &&
    (method === undefined || (labels.methods ?? []).includes(method));
}
