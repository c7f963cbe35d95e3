import type { ScoredLinear } from '../method.js';
import { medianScore } from './median.js';

/**
 * Dynamic Layerwise Pruning (Chen et al. 2025). The unimportance of layer l is `U_l = median(|W_ij| * ||x_j||_2)` over all its
 * weights. Its relative importance is `I_l = 1 - U_l / sum_k U_k`. The share of kept weights rises linearly with I, within alpha
 * (`spread`) of the target. Sparsity therefore rises linearly with U for any value of the sum, and -U is the score of all linears
 * in the layer.
 */
export function score(linears: readonly ScoredLinear[]): number[] {
  const unimportance = medianScore(linears);
  return linears.map(() => -unimportance);
}
