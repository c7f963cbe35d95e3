import type { Segment, Swaps } from './swaps.js';

/**
 * N:M: makes a row's growths, found as for any row, and lets each group of `of` consecutive inputs pay for its own, pruning
 * as many of the weights that it kept, the least important first. A group that would grow more weights than it kept
 * (possible where N < M / 2) grows only as many, the most important first; the rest of its growths are not made.
 *
 * A growth beats the kept weight of its rank in the row, not always the one that its own group gives up.
 * Equal importances rank by position, lower first.
 */
export function applyPatternSwaps({ importance, mask }: Segment, { grow }: Swaps, of: number): void {
  const byRank = (sign: 1 | -1) => (a: number, b: number): number => sign * (importance[a] - importance[b]) || a - b;
  for (let next = 0; next < grow.length; ) {
    const start = grow[next] - (grow[next] % of);
    const growing: number[] = [];
    for (; next < grow.length && grow[next] < start + of; next++) growing.push(grow[next]);
    const kept: number[] = [];
    for (let i = start; i < start + of; i++) if (mask[i] === 1) kept.push(i);
    growing.sort(byRank(-1));
    kept.sort(byRank(1));
    for (let swap = 0; swap < growing.length && swap < kept.length; swap++) {
      mask[growing[swap]] = 1;
      mask[kept[swap]] = 0;
    }
  }
}
