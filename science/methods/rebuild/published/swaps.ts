import { isLess } from '../../parts/float-bits.js';
import { PositionList } from '../../parts/position-list.js';
import { freeSelection, orderStatistic } from '../../parts/selection.js';
import { floorShare } from '../../parts/share.js';

/**
 * A part of a group that is contiguous in memory: importances (their bits, with the sign unset) and the mask.
 * Positions in a group count the weights of its segments one after the other.
 */
export interface Segment {
  importance: Uint32Array;
  mask: Uint8Array;
}

/** Positions in a group, ascending. Valid until the next group is searched. */
export interface Swaps {
  grow: Uint32Array;
  prune: Uint32Array;
}

const prunedAbove = new PositionList();
const keptBelow = new PositionList();

/**
 * Returns the pivot from which a group's swaps are found, for any ratio: the bits of v (see {@link findSwaps}).
 *
 * @returns undefined if the group has no pruned weights, or no kept ones
 */
export function pivotOf(group: readonly Segment[]): number | undefined {
  let size = 0;
  let kept = 0;
  for (const { mask } of group) {
    size += mask.length;
    for (let i = 0; i < mask.length; i++) kept += mask[i];
  }
  if (kept === 0 || kept === size) return undefined;
  return orderStatistic(group.map((segment) => segment.importance), size - kept).bits;
}

/**
 * Finds the swaps of one group. Let g be its pruned weights by descending importance, p its kept ones by ascending importance.
 * `n` is the number of ranks at which g > p. Of these, `floor(n * ratio)` swaps are made, the best of both sides.
 *
 * n can be found without sorting. Let G be the number of pruned weights, and v the lowest importance outside the G least
 * important weights of the group. A rank has g > p if some t has g > t >= p, so n is the maximum over t of
 * min(#pruned > t, #kept <= t). The two counts differ by G - #all <= t, so they cross at v, and
 * n = max(#pruned > v, #kept < v). The swaps are among these weights, and among those equal to v where one side has too few.
 *
 * @param pivot of {@link pivotOf}
 * @returns undefined if there is nothing to swap
 */
export function findSwaps(group: readonly Segment[], ratio: number, pivot: number | undefined): Swaps | undefined {
  if (pivot === undefined) return undefined;
  collectMisplaced(group, pivot);
  const count = floorShare(Math.max(prunedAbove.length, keptBelow.length), ratio);
  if (count === 0) return undefined;
  return {
    grow: count > prunedAbove.length ? withTies(group, 0, pivot, count, prunedAbove) : best(group, 0, count, prunedAbove),
    prune: count > keptBelow.length ? withTies(group, 1, pivot, count, keptBelow) : best(group, 1, count, keptBelow),
  };
}

/** Fills the two lists with the pruned weights above the pivot and the kept ones below it. */
function collectMisplaced(group: readonly Segment[], pivot: number): void {
  prunedAbove.clear();
  keptBelow.clear();
  let base = 0;
  for (const { importance, mask } of group) {
    // In pieces, so that the lists are grown before a loop without branches.
    for (let from = 0; from < mask.length; from += 65536) {
      const to = Math.min(from + 65536, mask.length);
      const grow = prunedAbove.room(to - from);
      const prune = keptBelow.room(to - from);
      let growing = prunedAbove.length;
      let pruning = keptBelow.length;
      for (let i = from; i < to; i++) {
        const key = importance[i];
        const isKept = mask[i];
        grow[growing] = base + i;
        prune[pruning] = base + i;
        growing += isLess(pivot, key) & (1 - isKept);
        pruning += isLess(key, pivot) & isKept;
      }
      prunedAbove.length = growing;
      keptBelow.length = pruning;
    }
    base += mask.length;
  }
}

/** A side of the swaps: pruned weights (0), which grow, most important first; or kept weights (1), which are pruned, least important first. */
type Side = 0 | 1;

/** Returns the best `count` of the listed positions. Ties go to the lower position. Shortens the list to them. */
function best(group: readonly Segment[], side: Side, count: number, list: PositionList): Uint32Array {
  const positions = list.view();
  if (count === positions.length) return positions;
  const keys = keysAt(group, positions);
  const { bits, before, equal } = orderStatistic([keys], side === 0 ? keys.length - count : count - 1);
  let ties = side === 0 ? equal - before : before + 1;
  let taken = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if ((side === 0 ? key > bits : key < bits) || (key === bits && ties-- > 0)) positions[taken++] = positions[i];
  }
  return positions.subarray(0, count);
}

/** Returns all listed positions, filled up to `count` with the first positions at the pivot. */
function withTies(group: readonly Segment[], side: Side, pivot: number, count: number, list: PositionList): Uint32Array {
  const listed = list.view();
  const positions = new Uint32Array(count);
  let ties = count - listed.length;
  let next = 0;
  let taken = 0;
  let base = 0;
  for (const { importance, mask } of group) {
    for (let i = 0; i < mask.length && taken < count; i++) {
      const isListed = listed[next] === base + i;
      if (isListed) next++;
      if (isListed || (mask[i] === side && importance[i] === pivot && ties-- > 0)) positions[taken++] = base + i;
    }
    base += mask.length;
  }
  return positions;
}

function keysAt(group: readonly Segment[], positions: Uint32Array): Uint32Array {
  const keys = new Uint32Array(positions.length);
  let base = 0;
  let next = 0;
  for (const { importance } of group) {
    const end = base + importance.length;
    for (; next < positions.length && positions[next] < end; next++) keys[next] = importance[positions[next] - base];
    base = end;
  }
  return keys;
}

/** Frees the memory that is kept from group to group. */
export function freeSwaps(): void {
  prunedAbove.free();
  keptBelow.free();
  freeSelection();
}

/** Makes the swaps in the group's mask. */
export function applySwaps(group: readonly Segment[], { grow, prune }: Swaps): void {
  setAt(group, grow, 1);
  setAt(group, prune, 0);
}

function setAt(group: readonly Segment[], positions: Uint32Array, value: 0 | 1): void {
  let base = 0;
  let next = 0;
  for (const { mask } of group) {
    const end = base + mask.length;
    for (; next < positions.length && positions[next] < end; next++) mask[positions[next] - base] = value;
    base = end;
  }
}
