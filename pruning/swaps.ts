import { orderStatistic } from './selection.js';
import { floorShare } from './share.js';

/**
 * A part of a group that lies in one stretch of memory: importances (their bits, the sign unset) and the mask beside them.
 * A group's positions are those of its segments, one after the other.
 */
export interface Segment {
  importance: Uint32Array;
  mask: Uint8Array;
}

/** Members of a group beyond a value, and of those equal to it the first `ties` by position. */
export interface Cut {
  bits: number;
  ties: number;
}

export interface Swaps {
  /** How many weights grow, and as many are pruned. */
  count: number;
  /** Pruned weights more important than this grow. */
  growth: Cut;
  /** Kept weights less important than this are pruned. */
  prune: Cut;
}

/**
 * The swaps of one group. Let g be its pruned weights by descending importance, p its kept ones by ascending: `n` is the
 * number of ranks at which g > p, and `floor(n * ratio)` swaps are made, the best of both sides.
 *
 * n needs no sorting. Were the group's budget spent on importance alone, the G least important of all would be pruned,
 * G being the number that is pruned now. Let v be the least importance beyond those. A rank with g > p is one where some
 * t has g > t >= p, so n is the maximum over t of min(#pruned > t, #kept <= t); the two differ by G - #all <= t, hence
 * cross at v, and n = max(#pruned > v, #kept < v).
 *
 * @returns undefined where there is nothing to swap
 */
export function findSwaps(group: readonly Segment[], ratio: number): Swaps | undefined {
  let size = 0;
  let kept = 0;
  for (const { mask } of group) {
    size += mask.length;
    for (let i = 0; i < mask.length; i++) kept += mask[i];
  }
  if (kept === 0 || kept === size) return undefined;
  const pivot = orderStatistic(group.map((segment) => segment.importance), size - kept).bits;
  const { prunedAbove, keptBelow } = countMisplaced(group, pivot);
  const count = floorShare(Math.max(prunedAbove, keptBelow), ratio);
  if (count === 0) return undefined;
  const misplaced = collectMisplaced(group, pivot, prunedAbove, keptBelow);
  return {
    count,
    growth: count > prunedAbove ? { bits: pivot, ties: count - prunedAbove } : largest(misplaced.prunedAbove, count),
    prune: count > keptBelow ? { bits: pivot, ties: count - keptBelow } : smallest(misplaced.keptBelow, count),
  };
}

function largest(values: Uint32Array, count: number): Cut {
  const { bits, before, equal } = orderStatistic([values], values.length - count);
  return { bits, ties: equal - before };
}

function smallest(values: Uint32Array, count: number): Cut {
  const { bits, before } = orderStatistic([values], count - 1);
  return { bits, ties: before + 1 };
}

function countMisplaced(group: readonly Segment[], pivot: number): { prunedAbove: number; keptBelow: number } {
  let prunedAbove = 0;
  let keptBelow = 0;
  for (const { importance, mask } of group) {
    for (let i = 0; i < importance.length; i++) {
      const key = importance[i];
      // Without branches: at the start the two cases are close to coin flips.
      prunedAbove += (1 - mask[i]) & Number(key > pivot);
      keptBelow += mask[i] & Number(key < pivot);
    }
  }
  return { prunedAbove, keptBelow };
}

/** The importances that {@link countMisplaced} counted. */
function collectMisplaced(group: readonly Segment[], pivot: number, prunedAbove: number, keptBelow: number) {
  const above = new Uint32Array(prunedAbove);
  const below = new Uint32Array(keptBelow);
  let a = 0;
  let b = 0;
  for (const { importance, mask } of group) {
    for (let i = 0; i < importance.length; i++) {
      const key = importance[i];
      if (mask[i] === 0) {
        if (key > pivot) above[a++] = key;
      } else if (key < pivot) below[b++] = key;
    }
  }
  return { prunedAbove: above, keptBelow: below };
}

/** Makes the swaps in the group's mask. */
export function applySwaps(group: readonly Segment[], { growth, prune }: Swaps): void {
  let growthTies = growth.ties;
  let pruneTies = prune.ties;
  for (const { importance, mask } of group) {
    for (let i = 0; i < importance.length; i++) {
      const key = importance[i];
      if (mask[i] === 0) {
        if (key > growth.bits || (key === growth.bits && growthTies-- > 0)) mask[i] = 1;
      } else if (key < prune.bits || (key === prune.bits && pruneTies-- > 0)) mask[i] = 0;
    }
  }
}

/**
 * N:M: makes a row's growths, found as for any row, and lets each group of `of` consecutive inputs pay for its own, pruning
 * as many of the weights that it kept, the least important first. A group that would grow more weights than it kept
 * (possible where N < M / 2) grows only as many, the most important first; the rest of its growths are not made.
 * A growth need not beat the weight that its own group gives up, only the one of its rank in the row.
 */
export function applyGroupwiseSwaps({ importance, mask }: Segment, { growth }: Swaps, of: number): void {
  let ties = growth.ties;
  const candidates: number[] = [];
  const kept: number[] = [];
  const ascending = (a: number, b: number): number => importance[a] - importance[b] || a - b;
  const descending = (a: number, b: number): number => importance[b] - importance[a] || a - b;
  for (let start = 0; start < mask.length; start += of) {
    candidates.length = kept.length = 0;
    for (let i = start; i < start + of; i++) {
      const key = importance[i];
      if (mask[i] === 1) kept.push(i);
      else if (key > growth.bits || (key === growth.bits && ties-- > 0)) candidates.push(i);
    }
    if (candidates.length === 0) continue;
    candidates.sort(descending);
    kept.sort(ascending);
    for (let swap = 0; swap < Math.min(candidates.length, kept.length); swap++) {
      mask[candidates[swap]] = 1;
      mask[kept[swap]] = 0;
    }
  }
}
