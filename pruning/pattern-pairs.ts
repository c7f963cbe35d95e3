import { checkFinite } from './finite.js';
import { bitsOf } from './float-bits.js';
import { checkDivides } from './pattern.js';
import type { Shape } from './pattern.js';
import { orderStatistic } from './selection.js';
import { floorShare } from './share.js';

export interface PairRequest {
  /** Importance of every weight, one array `[out, in]` a linear of the sub-block; >= 0. */
  importance: readonly Float32Array[];
  /** 1 = kept. */
  masks: readonly Uint8Array[];
  shapes: readonly Shape[];
  pattern: { kind: 'N:M'; keep: number; of: number };
  /** Share of the found pairs that are swapped, in (0, 1]. */
  ratio: number;
  /** Of the linears, for error messages. */
  names: readonly string[];
}

/**
 * N:M swaps that each pay for themselves. Within every group of M inputs the pruned weights by descending importance meet
 * the kept ones by ascending; the ranks at which the pruned one is larger are pairs, and their gain is the difference. Of
 * the `n` pairs of the whole sub-block the `floor(n * ratio)` of largest gain are swapped, equal gains by position.
 *
 * The published rule finds growths by row, where a growth may push out a kept weight of its group that is worth more than
 * itself; here none does.
 *
 * @returns new masks
 * @throws NonFiniteScoreError, PatternError, PruningInputError
 */
export function selectPairs({ importance, masks, shapes, pattern, ratio, names }: PairRequest): Uint8Array[] {
  const pairs: Pair[] = [];
  shapes.forEach((shape, index) => {
    checkDivides(pattern, { name: names[index], shape });
    checkFinite(importance[index], shape[1], `importance of ${names[index]}`);
    for (let start = 0; start < masks[index].length; start += pattern.of) {
      pairs.push(...pairsOf(importance[index], masks[index], index, start, pattern.of));
    }
  });
  const result = masks.map((mask) => mask.slice());
  for (const { linear, grow, prune } of best(pairs, floorShare(pairs.length, ratio))) {
    result[linear][grow] = 1;
    result[linear][prune] = 0;
  }
  return result;
}

interface Pair {
  linear: number;
  grow: number;
  prune: number;
  gain: number;
}

function pairsOf(importance: Float32Array, mask: Uint8Array, linear: number, start: number, of: number): Pair[] {
  const sides: [number[], number[]] = [[], []];
  for (let i = start; i < start + of; i++) sides[mask[i] as 0 | 1].push(i);
  const [pruned, kept] = sides;
  pruned.sort((a, b) => importance[b] - importance[a] || a - b);
  kept.sort((a, b) => importance[a] - importance[b] || a - b);
  const pairs: Pair[] = [];
  for (let rank = 0; rank < Math.min(pruned.length, kept.length); rank++) {
    const [grow, prune] = [pruned[rank], kept[rank]];
    const gain = importance[grow] - importance[prune];
    if (!(gain > 0)) break;
    pairs.push({ linear, grow, prune, gain });
  }
  return pairs;
}

/** The `count` pairs of largest gain, of equal ones the first. */
function best(pairs: readonly Pair[], count: number): Pair[] {
  if (count === 0) return [];
  const gains = bitsOf(Float32Array.from(pairs, ({ gain }) => gain));
  const { bits, before, equal } = orderStatistic([gains], gains.length - count);
  let ties = equal - before;
  return pairs.filter((_, index) => gains[index] > bits || (gains[index] === bits && ties-- > 0));
}
