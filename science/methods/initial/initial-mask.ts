import { checkPruned, groupBudget, wholeLinear } from '../parts/budget.js';
import type { MaskTarget } from '../parts/budget.js';
import { PruningInputError } from '../parts/errors.js';
import { checkFinite } from '../parts/finite.js';
import { checkDivides } from '../parts/pattern.js';
import type { Shape } from '../parts/pattern.js';
import { pruneSmallest } from '../parts/prune-smallest.js';

/**
 * Prunes the weights of smallest magnitude: `floor(size * sparsity)` of the linear (or the `pruned` of the target),
 * or M - N of every M inputs of a row. Of equal magnitudes the lower position goes first.
 *
 * @param weight row-major `[out, in]`
 * @param name of the linear, for error messages
 * @returns mask `[out, in]`, 1 = kept
 * @throws NonFiniteScoreError, PatternError, PruningInputError
 */
export function magnitudeMask(weight: Float32Array, shape: Shape, target: MaskTarget, name = 'linear'): Uint8Array {
  checkLength(weight, shape[0] * shape[1], `weight of ${name}`);
  checkDivides(target.pattern, { name, shape });
  checkPruned(target, weight.length, name);
  checkFinite(weight, shape[1], `weight of ${name}`);
  const mask = new Uint8Array(weight.length);
  const { pattern } = target;
  if (pattern.kind === 'N:M') pruneSmallest(weight, pattern.of, pattern.of - pattern.keep, mask);
  else pruneSmallest(weight, weight.length, groupBudget(target, wholeLinear(weight.length)), mask);
  return mask;
}

/**
 * Prunes the weights of smallest `|W_ij| * ||x_j||_2` (Sun et al. 2023, equation 1): `floor(in * sparsity)` of every output
 * row (or as even a part of the target's `pruned`), or M - N of every M inputs of a row. Of equal scores the lower position goes first.
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

function checkLength(values: Float32Array, length: number, subject: string): void {
  if (values.length === length) return;
  throw new PruningInputError({ where: subject, what: `${values.length} numbers`, expected: `${length}` });
}
