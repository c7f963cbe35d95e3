/** The same as prune-smallest.ts, on the device. */
import { tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import { keysOf, smallest, type Keys } from './device-selection.js';

/** Up to this group size, ranks are counted directly. This is for the groups of N:M. */
const smallGroup = 16;

/**
 * Prunes the smallest magnitudes of every row; ties go to the lower position.
 *
 * @param scores finite, `[groups, groupSize]`, on the `tensorflow` backend
 * @param count weights to prune: one number for all rows, or one for each row
 * @returns the mask as float32 of the same shape, 1 = kept
 */
export function pruneSmallestOnDevice(scores: Tensor2D, count: number | readonly number[]): Tensor2D {
  return tf.tidy(() => {
    if (typeof count === 'number' && scores.shape[1] <= smallGroup) return pruneByRank(keysOf(scores), count);
    const rows = scores.shape[0];
    const counts = tf.tensor2d(typeof count === 'number' ? new Int32Array(rows).fill(count) : Int32Array.from(count), [rows, 1]);
    const [pruned] = smallest([keysOf(scores)], counts);
    return tf.cast(tf.logicalNot(pruned), 'float32');
  });
}

/** Keeps an element if at least `count` others in its group rank before it: ten operations per element of a group; bisection takes about 280. */
function pruneByRank({ high, low }: Keys, count: number): Tensor2D {
  const [groups, size] = high.shape;
  let rank = tf.zerosLike(high);
  for (let j = 0; j < size; j++) {
    rank = tf.tidy(() => {
      const [otherHigh, otherLow] = [high, low].map((digits) => digits.slice([0, j], [groups, 1]));
      // Ties go to the lower index.
      const onTheRight = tf.tensor2d(Array.from({ length: size }, (_, i) => i > j), [1, size], 'bool');
      const lessLow = tf.logicalOr(tf.less(otherLow, low), tf.logicalAnd(tf.equal(otherLow, low), onTheRight));
      const before = tf.logicalOr(tf.less(otherHigh, high), tf.logicalAnd(tf.equal(otherHigh, high), lessLow));
      return rank.add<Tensor2D>(before.cast('float32'));
    });
  }
  return tf.greaterEqual(rank, count).cast<Tensor2D>('float32');
}
