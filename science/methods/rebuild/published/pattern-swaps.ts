import type { Segment, Swaps } from './swaps.js';

/**
 * Makes the swaps for N:M patterns. Growths are found by row, as without a pattern. Each group of `of` consecutive inputs
 * then prunes the same number of the weights that it kept, the least important first. If a group would grow more weights than
 * it kept (possible where N < M / 2), it grows only that number, the most important first.
 *
 * A growth is more important than the kept weight at its rank in the row, but not always than the weight that its own group
 * prunes. Ties go to the lower index.
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
