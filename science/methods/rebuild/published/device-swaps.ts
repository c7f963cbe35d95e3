/**
 * The swaps of swaps.ts, found on the device for all groups of a granularity at once. Only one number per group is downloaded.
 * A group may lie in several tensors `[groups, length]`.
 */
import { tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { againstPivot, among, descending, keysOf, pivots, smallest, total } from '../../parts/device-selection.js';
import { floorShare } from '../../parts/share.js';

export interface DeviceSegment {
  /** Finite, >= 0. */
  importance: Tensor2D;
  /** float32, 1 = kept. */
  mask: Tensor2D;
}

/** The number of possible swaps in each group of a set. Ranked once for all ratios. */
export interface SwapRanking {
  group: readonly DeviceSegment[];
  /** One per group. */
  found: Int32Array;
}

/** Counts the ranks at which a pruned weight is worth more than a kept one: `n` of findSwaps. */
export async function rankSwaps(group: readonly DeviceSegment[]): Promise<SwapRanking> {
  const found = tf.tidy(() => {
    const parts = group.map(({ importance, mask }) => ({ keys: keysOf(importance), kept: tf.cast(mask, 'bool') }));
    const prunedNow = total(parts.map(({ kept }) => kept), (kept) => tf.logicalNot(kept));
    const pivot = pivots(parts.map(({ keys }) => keys), prunedNow);
    const misplaced = parts.map(({ keys, kept }) => {
      const { less, equal } = againstPivot(keys, pivot);
      const greater = tf.logicalNot(tf.logicalOr(less, equal));
      return { grow: tf.logicalAnd<Tensor2D>(greater, tf.logicalNot(kept)), prune: tf.logicalAnd<Tensor2D>(less, kept) };
    });
    const grow = total(misplaced.map((part) => part.grow), (flags) => flags);
    return tf.maximum(grow, total(misplaced.map((part) => part.prune), (flags) => flags));
  });
  const values = await found.data<'int32'>();
  found.dispose();
  return { group, found: values };
}

/**
 * Returns the masks after `floor(n * ratio)` swaps in every group, the best of both sides. They are new tensors, shaped like the group's masks.
 *
 * @param ratio in (0, 1]
 */
export function masksAt({ group, found }: SwapRanking, ratio: number): Tensor2D[] {
  return tf.tidy(() => {
    const counts = tf.tensor2d(found.map((count) => floorShare(count, ratio)), [found.length, 1], 'int32');
    const parts = group.map(({ importance, mask }) => ({ keys: keysOf(importance), kept: tf.cast(mask, 'bool') }));
    const grow = smallest(parts.map(({ keys, kept }) => among(descending(keys), tf.logicalNot(kept))), counts);
    const prune = smallest(parts.map(({ keys, kept }) => among(keys, kept)), counts);
    return group.map(({ mask }, index) => tf.sub<Tensor2D>(tf.add(mask, tf.cast(grow[index], 'float32')), tf.cast(prune[index], 'float32')));
  });
}
