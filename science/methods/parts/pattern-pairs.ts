import { checkFinite } from './finite.js';
import { bitsOf } from './float-bits.js';
import { checkDivides } from './pattern.js';
import type { Shape } from './pattern.js';
import { PositionList } from './position-list.js';
import { orderStatistic } from './selection.js';
import { floorShare } from './share.js';

export interface PairRequest {
  /** Importance of every weight, one array `[out, in]` per linear of the sub-block; >= 0. */
  importance: readonly Float32Array[];
  /** 1 = kept. */
  masks: readonly Uint8Array[];
  shapes: readonly Shape[];
  pattern: { kind: 'N:M'; keep: number; of: number };
  /** Names of the linears, for error messages. */
  names: readonly string[];
}

/**
 * Selects N:M swaps that each have a gain. Within every group of M inputs, pruned weights in descending order of importance are
 * matched with kept weights in ascending order. Where the pruned weight is more important, the two are a pair, and the difference is
 * their gain. Of the `n` pairs of the whole sub-block, the `floor(n * ratio)` with the largest gain are swapped. Ties go to the lower
 * position.
 *
 * The published rule finds growths by row. There a growth may replace a kept weight of its group that is more important. Here that
 * cannot happen.
 *
 * @returns a function that makes new masks for a ratio in (0, 1]; the gains are computed once for all ratios
 * @throws NonFiniteScoreError, PatternError, PruningInputError
 */
export function pairSelection(request: PairRequest): (ratio: number) => Uint8Array[] {
  const { importance, masks, shapes, pattern, names } = request;
  const pairs = new GroupPairs(pattern.of);
  const gains = shapes.map((shape, index) => {
    checkDivides(pattern, { name: names[index], shape });
    checkFinite(importance[index], shape[1], `importance of ${names[index]}`);
    return gainsOf(importance[index], masks[index], pairs);
  });
  return (ratio) => swapBest(request, gains, pairs, ratio);
}

/** Swaps the pairs with the largest gain. */
function swapBest({ importance, masks }: PairRequest, gains: readonly Uint32Array[], pairs: GroupPairs, ratio: number): Uint8Array[] {
  const result = masks.map((mask) => mask.slice());
  const found = gains.reduce((sum, { length }) => sum + length, 0);
  const count = floorShare(found, ratio);
  if (count === 0) return result;
  const { bits, before, equal } = orderStatistic(gains, found - count);
  let ties = equal - before;
  result.forEach((after, index) => {
    let pair = 0;
    for (let start = 0; start < after.length; start += pairs.of) {
      const ranks = pairs.find(importance[index], masks[index], start);
      for (let rank = 0; rank < ranks; rank++) {
        const gain = gains[index][pair++];
        if (gain < bits || (gain === bits && ties-- <= 0)) continue;
        after[pairs.grow[rank]] = 1;
        after[pairs.prune[rank]] = 0;
      }
    }
  });
  return result;
}

/** Returns the bits of the gains of all pairs, group by group. Pairs are found again later: storing them would take three times the memory. */
function gainsOf(importance: Float32Array, mask: Uint8Array, pairs: GroupPairs): Uint32Array {
  const list = new PositionList();
  const gain = new Float32Array(1);
  const gainBits = bitsOf(gain);
  for (let start = 0; start < mask.length; start += pairs.of) {
    const ranks = pairs.find(importance, mask, start);
    const room = list.room(ranks);
    for (let rank = 0; rank < ranks; rank++) {
      gain[0] = importance[pairs.grow[rank]] - importance[pairs.prune[rank]];
      room[list.length++] = gainBits[0];
    }
  }
  return list.view().slice();
}

/** The pairs of one group at a time, by descending gain. */
class GroupPairs {
  /** Positions of the pruned weights by descending importance, and of the kept weights by ascending importance. Ties are in order of position. */
  readonly grow: Uint32Array;
  readonly prune: Uint32Array;

  constructor(readonly of: number) {
    this.grow = new Uint32Array(of);
    this.prune = new Uint32Array(of);
  }

  /** @returns how many ranks of `grow` and `prune` are pairs */
  find(importance: Float32Array, mask: Uint8Array, start: number): number {
    const { grow, prune, of } = this;
    let pruned = 0;
    let kept = 0;
    for (let i = start; i < start + of; i++) {
      const value = importance[i];
      if (mask[i] === 0) {
        let at = pruned++;
        for (; at > 0 && importance[grow[at - 1]] < value; at--) grow[at] = grow[at - 1];
        grow[at] = i;
      } else {
        let at = kept++;
        for (; at > 0 && importance[prune[at - 1]] > value; at--) prune[at] = prune[at - 1];
        prune[at] = i;
      }
    }
    let ranks = 0;
    while (ranks < pruned && ranks < kept && importance[grow[ranks]] > importance[prune[ranks]]) ranks++;
    return ranks;
  }
}
