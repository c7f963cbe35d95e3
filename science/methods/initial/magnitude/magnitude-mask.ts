import { checkPruned, groupBudget, wholeLinear } from '../../parts/budget.js';
import type { MaskTarget } from '../../parts/budget.js';
import { checkLength } from '../../parts/check-length.js';
import { checkFinite } from '../../parts/finite.js';
import { checkDivides } from '../../parts/pattern.js';
import type { Shape } from '../../parts/pattern.js';
import { pruneSmallest } from '../../parts/prune-smallest.js';

/**
 * Prunes the weights of smallest magnitude: `floor(size * sparsity)` of the linear (or the `pruned` of the target),
 * or M - N of every M inputs of a row. Ties go to the lower position.
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
