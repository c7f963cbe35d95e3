/**
 * The N:M swaps of pattern-swaps.ts and pattern-pairs.ts on the device. Every N:M group is a row of M weights. Weights that may grow, by
 * descending importance, are paired with weights that may be pruned, by ascending importance. In `topk`, ties go to the lower index.
 */
import { keep, tf } from '../../../engine/index.js';
import type { Tensor2D, Tensor3D } from '../../../engine/index.js';
import { among, descending, keysOf, smallest, total } from '../../parts/device-selection.js';
import type { Pattern } from '../../parts/pattern.js';
import { floorShare } from '../../parts/share.js';
import type { DeviceSegment } from './device-swaps.js';

type NM = Pattern & { kind: 'N:M' };

/** The ranks of all groups of a linear. A group has at most min(N, M - N) of them, because each swap needs a kept and a pruned weight. */
interface Ranks {
  /** Importances of the weights that may grow, `[groups, ranks]`, followed by -1; and of those that may be pruned, followed by Infinity. */
  grow: Tensor2D;
  prune: Tensor2D;
  /** Their positions in the group, int32. */
  growAt: Tensor2D;
  pruneAt: Tensor2D;
}

function ranksOf({ importance, mask }: DeviceSegment, mayGrow: Tensor2D, { keep: kept, of }: NM): Ranks {
  const ranks = Math.min(kept, of - kept);
  const rows = (values: Tensor2D): Tensor2D => tf.reshape<Tensor2D['rankType']>(values, [-1, of]);
  const values = rows(importance);
  const grow = tf.topk(tf.where(rows(mayGrow), values, -1), ranks);
  const prune = tf.topk(tf.where(tf.cast(rows(mask), 'bool'), tf.neg(values), -Infinity), ranks);
  return { grow: grow.values, growAt: grow.indices, prune: tf.neg(prune.values), pruneAt: prune.indices };
}

/** Swaps the chosen ranks. @param swapped which ranks are swapped, `[groups, ranks]` */
function swapRanks(mask: Tensor2D, swapped: Tensor2D, { growAt, pruneAt }: Pick<Ranks, 'growAt' | 'pruneAt'>, { of }: NM): Tensor2D {
  const made = tf.expandDims<Tensor3D>(tf.cast(swapped, 'float32'), 2);
  const change = tf.sub(tf.oneHot(growAt, of), tf.oneHot(pruneAt, of));
  return tf.add(mask, tf.reshape(tf.sum(tf.mul(made, change), 1), mask.shape));
}

/**
 * The published rule: growths are found by row, and every group prunes the same number of the weights that it kept.
 *
 * @param grown the row's mask with its growths; the row's own prunings are ignored
 */
export function growthsWithinPattern(segment: DeviceSegment, grown: Tensor2D, pattern: NM): Tensor2D {
  return tf.tidy(() => {
    const ranks = ranksOf(segment, tf.greater(grown, segment.mask), pattern);
    return swapRanks(segment.mask, tf.greaterEqual(ranks.grow, 0), ranks, pattern);
  });
}

/** The pairs of all groups of a sub-block, ranked once for all ratios. */
export class PatternPairs {
  private readonly ranks: Ranks[];
  /** For each linear, the gain of each swap and whether it gains at all, `[1, groups x ranks]`. */
  private readonly gains: { gain: Tensor2D; isPair: Tensor2D }[];
  private readonly found: number;

  constructor(private readonly parts: readonly DeviceSegment[], private readonly pattern: NM) {
    const made = tf.tidy(() => parts.map((part) => {
      const { grow, prune, growAt, pruneAt } = ranksOf(part, tf.logicalNot(tf.cast(part.mask, 'bool')), pattern);
      const line = (values: Tensor2D): Tensor2D => keep(tf.reshape<Tensor2D['rankType']>(values, [1, values.size]));
      return {
        ranks: { grow: keep(grow), prune: keep(prune), growAt: keep(growAt), pruneAt: keep(pruneAt) },
        gains: { gain: line(tf.sub(grow, prune)), isPair: line(tf.greater(grow, prune)) },
      };
    }));
    this.ranks = made.map(({ ranks }) => ranks);
    this.gains = made.map(({ gains }) => gains);
    this.found = tf.tidy(() => total(this.gains.map(({ isPair }) => isPair), (flags) => flags).dataSync()[0]);
  }

  /** Tensors that it keeps on the device. */
  get owned(): Tensor2D[] {
    return [...this.ranks.flatMap((ranks) => Object.values(ranks) as Tensor2D[]), ...this.gains.flatMap(({ gain, isPair }) => [gain, isPair])];
  }

  /** Returns the masks after the `floor(pairs * ratio)` swaps with the largest gain. */
  masksAt(ratio: number): Tensor2D[] {
    return tf.tidy(() => {
      const counts = tf.tensor2d([floorShare(this.found, ratio)], [1, 1], 'int32');
      const best = smallest(this.gains.map(({ gain, isPair }) => among(descending(keysOf(gain)), isPair)), counts);
      return this.parts.map(({ mask }, index) => {
        const ranks = this.ranks[index];
        return swapRanks(mask, tf.reshape<Tensor2D['rankType']>(best[index], ranks.grow.shape), ranks, this.pattern);
      });
    });
  }
}
