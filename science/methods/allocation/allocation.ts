/**
 * Sparsity where it is needed: how many weights each linear of a model loses, so that all of them together lose exactly what
 * uniform pruning would take.
 */
import { PruningInputError } from '../parts/errors.js';
import { floorShare } from '../parts/share.js';

export type AllocationMethod = 'uniform' | 'owl' | 'sensitivity';

export interface LinearScore {
  name: string;
  /** Of weights. */
  size: number;
  /** The larger, the more of its weights are kept. Not read where the method is `uniform`. */
  score: number;
}

export interface AllocationRequest {
  /** Every linear that is pruned, in any order; ties break by it. */
  linears: readonly LinearScore[];
  /** Share of zeros over all linears together, in [0, 1]. */
  sparsity: number;
  method: AllocationMethod;
  /** How far the sparsity of one linear may lie from `sparsity`: OWL's lambda, Shao's alpha. Its method's default unless given. */
  spread?: number;
}

/** Half the width of the interval of sparsities, as in the papers. */
export const defaultSpread: Readonly<Record<AllocationMethod, number>> = { uniform: 0, owl: 0.08, sensitivity: 0.1 };

/**
 * Distributes `floor(total * sparsity)` pruned weights over linears. Of linears of one size, one with a larger score never
 * loses more.
 *
 * @returns by name of the linear, for `MaskTarget.pruned`
 * @throws PruningInputError if a share, size or score is out of range.
 */
export function allocate({ linears, sparsity, method, spread = defaultSpread[method] }: AllocationRequest): Map<string, number> {
  check(linears, spread);
  // Never below 0 or above 1, for any linear.
  const reach = Math.min(spread, sparsity, 1 - sparsity);
  const shifts = { uniform: () => linears.map(() => 0), owl: byValue, sensitivity: byRank }[method](linears);
  const wanted = linears.map(({ size }, i) => size * (sparsity + reach * shifts[i]));
  const counts = roundTo(floorShare(totalSize(linears), sparsity), wanted, linears);
  return new Map(linears.map(({ name }, i) => [name, counts[i]]));
}

/**
 * OWL (Yin et al. 2023): sparsity falls linearly with the score, which is the share of outliers in the linear's
 * layer, and stays within lambda of the target. The mean is weighted by size, because layers and linears differ in it. The
 * paper's code stretches the shares to a width of 2 lambda and centres them, so that one layer that stands out leaves the
 * interval; here the farthest is put on its end.
 *
 * @returns one number in [-1, 1] a linear; their mean, weighted by size, is 0
 */
function byValue(linears: readonly LinearScore[]): number[] {
  // In any unit, be it denormal.
  const unit = Math.max(...linears.map(({ score }) => Math.abs(score))) || 1;
  const scores = linears.map(({ score }) => score / unit);
  const mean = linears.reduce((sum, { size }, i) => sum + size * scores[i], 0) / totalSize(linears);
  const farthest = Math.max(...scores.map((score) => Math.abs(score - mean)));
  return scores.map((score) => (farthest === 0 ? 0 : (mean - score) / farthest));
}

/**
 * Shao et al. 2024, algorithm 1: sparsity falls linearly with the rank of the score. There every linear is one rank wide; here
 * it is as wide as it has weights, without which linears of different sizes would miss the total. Equal scores share their
 * middle.
 *
 * @returns one number in (-1, 1) a linear; their mean, weighted by size, is 0
 */
function byRank(linears: readonly LinearScore[]): number[] {
  const total = totalSize(linears);
  return linears.map(({ score }) => {
    let below = 0;
    let above = 0;
    for (const other of linears) {
      if (other.score < score) below += other.size;
      else if (other.score > score) above += other.size;
    }
    return (above - below) / total;
  });
}

/** Whole numbers that add up to `total`, each next to what is wanted: the largest remainders are rounded up. */
function roundTo(total: number, wanted: readonly number[], linears: readonly LinearScore[]): number[] {
  const counts = wanted.map(Math.floor);
  let left = total - counts.reduce((sum, count) => sum + count, 0);
  const remainder = (i: number): number => wanted[i] - Math.floor(wanted[i]);
  const order = wanted.map((_, i) => i).sort((a, b) => remainder(b) - remainder(a) || a - b);
  // Rounding of the wanted numbers may leave one too few or too many.
  for (let step = Math.sign(left); left !== 0; ) {
    for (const i of step > 0 ? order : order.toReversed()) {
      if (left === 0 || counts[i] + step < 0 || counts[i] + step > linears[i].size) continue;
      counts[i] += step;
      left -= step;
    }
  }
  return counts;
}

function totalSize(linears: readonly LinearScore[]): number {
  return linears.reduce((sum, { size }) => sum + size, 0);
}

function check(linears: readonly LinearScore[], spread: number): void {
  if (!(spread >= 0 && spread <= 1)) throw new PruningInputError({ what: `a spread of ${spread}`, expected: 'a number from 0 to 1' });
  for (const { name, size, score } of linears) {
    if (!Number.isSafeInteger(size) || size < 1) throw new PruningInputError({ where: name, what: `${size} weights`, expected: 'a whole number above 0' });
    if (!Number.isFinite(score)) throw new PruningInputError({ where: name, what: `a score of ${score}`, expected: 'a finite number' });
  }
}
