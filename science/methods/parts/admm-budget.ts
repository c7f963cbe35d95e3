import { PruningInputError } from './errors.js';
import { checkDivides } from './pattern.js';
import type { Pattern, Shape } from './pattern.js';
import { pruneSmallest } from './prune-smallest.js';

/** What is pruned: M - N of every M inputs of a row, or a number of weights per row. */
export type AdmmBudget = NofM | Uint32Array;

type NofM = Extract<Pattern, { kind: 'N:M' }>;

export function isPattern(budget: AdmmBudget): budget is NofM {
  return !(budget instanceof Uint32Array);
}

/** @throws PatternError, PruningInputError if the budget does not fit the linear */
export function checkBudget(budget: AdmmBudget, name: string, shape: Shape): void {
  const [outputs, inputs] = shape;
  if (isPattern(budget)) checkDivides(budget, { name, shape });
  else if (budget.length !== outputs) {
    throw new PruningInputError({ where: name, what: `budgets of ${budget.length} rows`, expected: `${outputs}` });
  } else {
    const tooMany = budget.find((pruned) => pruned > inputs);
    if (tooMany !== undefined) throw new PruningInputError({ where: name, what: `${tooMany} weights to prune`, expected: `a whole number from 0 to ${inputs}` });
  }
}

/**
 * Prunes the scores of smallest magnitude. Ties go to the lower position.
 *
 * @param scores `[out, in]`, finite
 * @param share of the budget in [0, 1], rounded down row by row; ignored for N:M
 * @param mask every element is written, 1 = kept
 */
export function pruneBudget(scores: Float32Array, inputs: number, budget: AdmmBudget, share: number, mask: Uint8Array): void {
  if (isPattern(budget)) pruneSmallest(scores, budget.of, budget.of - budget.keep, mask);
  else {
    budgetOfRows(budget, share).forEach((pruned, row) => {
      const [from, to] = [row * inputs, (row + 1) * inputs];
      pruneSmallest(scores.subarray(from, to), inputs, pruned, mask.subarray(from, to));
    });
  }
}

/** Returns how many weights of each row a share of the budget prunes, rounded down. */
export function budgetOfRows(budget: Uint32Array, share: number): number[] {
  return Array.from(budget, (pruned) => Math.floor(pruned * share));
}
