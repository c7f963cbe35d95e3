/**
 * The N:M swaps of pattern-swaps.ts and pattern-pairs.ts on the device. Every N:M group is a row of M weights. Weights that may grow, by
 * descending importance, are paired with weights that may be pruned, by ascending importance. In `topk`, ties go to the lower index.
 */
import { countTrue, keep, tf } from '../../../engine/index.js';
import type { Tensor2D, Tensor3D } from '../../../engine/index.js';
import { among, descending, keysOf, smallest } from '../../parts/device-selection.js';
import type { Pattern } from '../../parts/pattern.js';
import { floorShare } from '../../parts/share.js';

/** A linear's weights, `[out, in]`. */
export interface DeviceSegment {
  /** Finite, >= 0. */
  importance: Tensor2D;
  /** float32, 1 = kept. */
  mask: Tensor2D;
}

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
  /** The gain of each swap of all linears, one after the other, and whether it gains at all, `[1, groups x ranks]`. */
  private readonly gain: Tensor2D;
  private readonly isPair: Tensor2D;
  private readonly found: number;

  constructor(private readonly parts: readonly DeviceSegment[], private readonly pattern: NM) {
    const made = tf.tidy(() => {
      const all = parts.map((part) => ranksOf(part, tf.logicalNot(tf.cast(part.mask, 'bool')), pattern));
      const line = (of: (ranks: Ranks) => Tensor2D): Tensor2D =>
        keep(tf.concat(all.map((ranks) => tf.reshape<Tensor2D['rankType']>(of(ranks), [1, -1])), 1));
      return {
        ranks: all.map(({ grow, prune, growAt, pruneAt }) => ({ grow: keep(grow), prune: keep(prune), growAt: keep(growAt), pruneAt: keep(pruneAt) })),
        gain: line(({ grow, prune }) => tf.sub(grow, prune)),
        isPair: line(({ grow, prune }) => tf.greater(grow, prune)),
      };
    });
    this.ranks = made.ranks;
    this.gain = made.gain;
    this.isPair = made.isPair;
    this.found = tf.tidy(() => countTrue(this.isPair).dataSync()[0]);
  }

  /** Tensors that it keeps on the device. */
  get owned(): Tensor2D[] {
    return [...this.ranks.flatMap((ranks) => Object.values(ranks) as Tensor2D[]), this.gain, this.isPair];
  }

  /** Returns the masks after the `floor(pairs * ratio)` swaps with the largest gain. */
  masksAt(ratio: number): Tensor2D[] {
    return tf.tidy(() => {
      const counts = tf.tensor2d([floorShare(this.found, ratio)], [1, 1], 'int32');
      const [best] = smallest([among(descending(keysOf(this.gain)), this.isPair)], counts);
      let start = 0;
      return this.parts.map(({ mask }, index) => {
        const ranks = this.ranks[index];
        const { size, shape } = ranks.grow;
        const own = tf.slice(best, [0, start], [1, size]);
        start += size;
        return swapRanks(mask, tf.reshape<Tensor2D['rankType']>(own, shape), ranks, this.pattern);
      });
    });
  }
}
