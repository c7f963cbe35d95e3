import { PruningInputError } from './errors.js';
import type { Pattern } from './pattern.js';
import { floorShare } from './share.js';

/** The number of columns that share a budget in SparseGPT and are updated together. The last block may be narrower. */
export const sparseGptBlock = 128;

/** What an initial mask must reach. */
export interface MaskTarget {
  /** Share of zeros in (0, 1). Ignored for N:M, where it follows from the pattern, and if `pruned` is given. */
  sparsity: number;
  pattern: Pattern;
  /** The exact number of weights of the linear to prune, instead of `floor(size * sparsity)` of every group. Unstructured only. */
  pruned?: number;
}

/** The rows or columns `[from, to)` of a linear that has `of` rows or columns. The group has `size` weights. */
export interface Group {
  from: number;
  to: number;
  of: number;
  size: number;
}

/** Returns the whole linear as one group. */
export function wholeLinear(size: number): Group {
  return { from: 0, to: 1, of: 1, size };
}

/**
 * Returns how many weights of a group are pruned: `floor(size * sparsity)`. If the linear's total `pruned` is given, it is spread
 * over the groups as evenly as whole numbers allow.
 */
export function groupBudget({ sparsity, pruned }: MaskTarget, { from, to, of, size }: Group): number {
  if (pruned === undefined) return floorShare(size, sparsity);
  // Exact: with 2^31 weights and 2^20 rows the products stay below 2^53.
  return Math.floor((pruned * to) / of) - Math.floor((pruned * from) / of);
}

/**
 * @param size of the linear, in weights
 * @throws PruningInputError if `pruned` is not a whole number of its weights, or is given together with N:M.
 */
export function checkPruned({ pattern, pruned }: MaskTarget, size: number, name: string): void {
  if (pruned === undefined) return;
  if (pattern.kind === 'N:M') {
    throw new PruningInputError({ where: name, what: `${pruned} weights to prune under an N:M pattern`, expected: 'no number, because the pattern fixes it' });
  }
  if (!Number.isInteger(pruned) || pruned < 0 || pruned > size) {
    throw new PruningInputError({ where: name, what: `${pruned} weights to prune`, expected: `a whole number from 0 to ${size}` });
  }
}
