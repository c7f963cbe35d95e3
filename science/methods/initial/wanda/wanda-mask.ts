import { checkPruned, groupBudget } from '../../parts/budget.js';
import type { MaskTarget } from '../../parts/budget.js';
import { checkLength } from '../../parts/check-length.js';
import { checkFinite } from '../../parts/finite.js';
import { checkDivides } from '../../parts/pattern.js';
import type { Shape } from '../../parts/pattern.js';
import { pruneSmallest } from '../../parts/prune-smallest.js';

/**
 * Prunes the weights of smallest `|W_ij| * ||x_j||_2` (Sun et al. 2023, equation 1): `floor(in * sparsity)` of every output
 * row (or as even a part of the target's `pruned`), or M - N of every M inputs of a row. Ties go to the lower position.
 *
 * @param weight row-major `[out, in]`
 * @param inputNorms `[in]`, the 2-norm of each input over all calibration tokens (any common factor drops out)
 * @param name of the linear, for error messages
 * @returns mask `[out, in]`, 1 = kept
 * @throws NonFiniteScoreError, PatternError, PruningInputError
 */
export function wandaMask(
  weight: Float32Array,
  inputNorms: Float32Array,
  shape: Shape,
  target: MaskTarget,
  name = 'linear',
): Uint8Array {
  const [outputs, inputs] = shape;
  checkLength(weight, outputs * inputs, `weight of ${name}`);
  checkLength(inputNorms, inputs, `input norms of ${name}`);
  checkDivides(target.pattern, { name, shape });
  checkPruned(target, weight.length, name);
  const mask = new Uint8Array(weight.length);
  const scores = new Float32Array(inputs);
  const { pattern } = target;
  for (let row = 0; row < outputs; row++) {
    const start = row * inputs;
    for (let column = 0; column < inputs; column++) scores[column] = weight[start + column] * inputNorms[column];
    checkFinite(scores, inputs, `Wanda score of ${name}`, row);
    const kept = mask.subarray(start, start + inputs);
    if (pattern.kind === 'N:M') pruneSmallest(scores, pattern.of, pattern.of - pattern.keep, kept);
    else pruneSmallest(scores, inputs, groupBudget(target, { from: row, to: row + 1, of: outputs, size: inputs }), kept);
  }
  return mask;
}
