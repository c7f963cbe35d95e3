import { PruningInputError } from './errors.js';
import { checkFinite } from './finite.js';
import { checkDivides } from './pattern.js';
import type { Pattern, Shape } from './pattern.js';
import { pruneSmallest } from './prune-smallest.js';
import { floorShare } from './share.js';

/** What an initial mask must reach. */
export interface MaskTarget {
  /** Share of zeros in (0, 1); not read for N:M, where it follows from the pattern. */
  sparsity: number;
  pattern: Pattern;
}

/**
 * Prunes the weights of smallest magnitude: `floor(size * sparsity)` of the linear, or M - N of every M inputs of a row.
 * Of equal magnitudes the lower position goes first.
 *
 * @param weight row-major `[out, in]`
 * @param name of the linear, for error messages
 * @returns mask `[out, in]`, 1 = kept
 * @throws NonFiniteScoreError, PatternError, PruningInputError
 */
export function magnitudeMask(weight: Float32Array, shape: Shape, target: MaskTarget, name = 'linear'): Uint8Array {
  checkLength(weight, shape[0] * shape[1], `weight of ${name}`);
  checkDivides(target.pattern, { name, shape });
  checkFinite(weight, shape[1], `weight of ${name}`);
  const mask = new Uint8Array(weight.length);
  const { size, count } = groups(target, weight.length);
  pruneSmallest(weight, size, count, mask);
  return mask;
}

/**
 * Prunes the weights of smallest `|W_ij| * ||x_j||_2` (Sun et al. 2023, equation 1): `floor(in * sparsity)` of every output
 * row, or M - N of every M inputs of a row. Of equal scores the lower position goes first.
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
  const mask = new Uint8Array(weight.length);
  const scores = new Float32Array(inputs);
  const { size, count } = groups(target, inputs);
  for (let row = 0; row < outputs; row++) {
    const start = row * inputs;
    for (let column = 0; column < inputs; column++) scores[column] = weight[start + column] * inputNorms[column];
    checkFinite(scores, inputs, `Wanda score of ${name}`, row);
    pruneSmallest(scores, size, count, mask.subarray(start, start + inputs));
  }
  return mask;
}

/** Size of a group and how many of it are pruned, where an unstructured group has `whole` weights. */
function groups({ sparsity, pattern }: MaskTarget, whole: number): { size: number; count: number } {
  if (pattern.kind === 'N:M') return { size: pattern.of, count: pattern.of - pattern.keep };
  return { size: whole, count: floorShare(whole, sparsity) };
}

function checkLength(values: Float32Array, length: number, subject: string): void {
  if (values.length === length) return;
  throw new PruningInputError({ where: subject, what: `${values.length} numbers`, expected: `${length}` });
}
