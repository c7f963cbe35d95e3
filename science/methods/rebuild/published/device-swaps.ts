/** The swaps of swaps.ts, found on the device for all groups of a granularity at once. */
import { countTrue, tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { againstPivot, among, descending, keysOf, pivots, smallest } from '../../parts/device-selection.js';
import { floorShare } from '../../parts/share.js';

/** Weights in groups, one per row, `[groups, length]`. */
export interface DeviceGroups {
  /** Finite, >= 0. */
  importance: Tensor2D;
  /** bool */
  kept: Tensor2D;
}

/** The number of possible swaps in each group. Ranked once for all ratios. */
export interface SwapRanking extends DeviceGroups {
  /** One per group. */
  found: Int32Array;
}

/** Counts the ranks at which a pruned weight is worth more than a kept one: `n` of findSwaps. */
export async function rankSwaps({ importance, kept }: DeviceGroups): Promise<SwapRanking> {
  const found = tf.tidy(() => {
    const keys = keysOf(importance);
    const pruned = tf.logicalNot(kept);
    const pivot = pivots([keys], countTrue(pruned));
    const { less, equal } = againstPivot(keys, pivot);
    const misplacedPruned = tf.logicalAnd<Tensor2D>(tf.logicalNot(tf.logicalOr(less, equal)), pruned);
    const misplacedKept = tf.logicalAnd<Tensor2D>(less, kept);
    return tf.maximum(countTrue(misplacedPruned), countTrue(misplacedKept));
  });
  const values = await found.data<'int32'>();
  found.dispose();
  return { importance, kept, found: values };
}

/**
 * Returns which weights are kept after `floor(n * ratio)` swaps in every group, the best of both sides.
 *
 * @param ratio in (0, 1]
 * @returns bool, shaped like the groups
 */
export function keptAt({ importance, kept, found }: SwapRanking, ratio: number): Tensor2D {
  return tf.tidy(() => {
    const counts = tf.tensor2d(found.map((count) => floorShare(count, ratio)), [found.length, 1], 'int32');
    const keys = keysOf(importance);
    const [grow] = tf.tidy(() => smallest([among(descending(keys), tf.logicalNot(kept))], counts));
    const [prune] = tf.tidy(() => smallest([among(keys, kept)], counts));
    return tf.logicalOr<Tensor2D>(grow, tf.logicalAnd(kept, tf.logicalNot(prune)));
  });
}
