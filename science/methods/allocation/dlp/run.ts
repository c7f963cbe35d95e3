import type { ScoredLinear } from '../method.js';
import { medianScore } from './median.js';

/**
 * Dynamic Layerwise Pruning (Chen et al. 2025). Of layer l, `U_l = median(|W_ij| * ||x_j||_2)` over all its weights is how
 * unimportant it is, and `I_l = 1 - U_l / sum_k U_k` its relative importance; the share of kept weights rises linearly with I,
 * within alpha (`spread`) of the target. So sparsity rises linearly with U, whatever the sum is: the score is -U, one
 * number for the whole layer.
 */
export function score(linears: readonly ScoredLinear[]): number[] {
  const unimportance = medianScore(linears);
  return linears.map(() => -unimportance);
}
