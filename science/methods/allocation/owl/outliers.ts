import { PruningInputError } from '../../parts/errors.js';
import type { ScoredLinear } from '../method.js';

/**
 * Returns the share of outliers in one decoder layer: the score of OWL (Yin et al. 2023, section 3.2, "layerwise outlier
 * distribution"). An outlier is a weight with a Wanda score `|W_ij| * ||x_j||_2` above `multiple` (the paper's M) times the mean
 * score of the layer.
 *
 * @param linears all that are pruned in the layer
 * @returns in [0, 1]
 * @throws PruningInputError if norms and weights differ in length, or a score is not finite.
 */
export function outlierShare(linears: readonly ScoredLinear[], multiple = 5): number {
  let sum = 0;
  let size = 0;
  for (const { weight, inputNorms } of linears) {
    if (inputNorms.length === 0 || weight.length % inputNorms.length !== 0) {
      throw new PruningInputError({ what: `${inputNorms.length} input norms for ${weight.length} weights`, expected: 'one for each column' });
    }
    eachScore(weight, inputNorms, (score) => (sum += score));
    size += weight.length;
  }
  if (!Number.isFinite(sum)) throw new PruningInputError({ what: `Wanda scores that add up to ${sum}`, expected: 'finite weights and inputs' });
  const threshold = (multiple * sum) / size;
  let outliers = 0;
  for (const { weight, inputNorms } of linears) {
    eachScore(weight, inputNorms, (score) => {
      if (score > threshold) outliers++;
    });
  }
  return size === 0 ? 0 : outliers / size;
}

function eachScore(weight: Float32Array, inputNorms: Float32Array, take: (score: number) => void): void {
  for (let start = 0; start < weight.length; start += inputNorms.length) {
    for (let column = 0; column < inputNorms.length; column++) take(Math.abs(weight[start + column]) * inputNorms[column]);
  }
}
