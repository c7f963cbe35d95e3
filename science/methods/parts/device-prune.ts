/** What prune-smallest.ts does, on the device. */
import { tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import { keysOf, smallest, type Keys } from './device-selection.js';

/** Up to this size, ranks within a group are counted directly: the groups of N:M. */
const smallGroup = 16;

/**
 * Prunes the smallest magnitudes of every row; ties go to the lower position.
 *
 * @param scores finite, `[groups, groupSize]`, on the `tensorflow` backend
 * @param count how many of every row, or of each row
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

/** Keeps an element if at least `count` of its group rank before it. Ten operations for each element of a group, where a bisection takes some 280. */
function pruneByRank({ high, low }: Keys, count: number): Tensor2D {
  const [groups, size] = high.shape;
  let rank = tf.zerosLike(high);
  for (let j = 0; j < size; j++) {
    rank = tf.tidy(() => {
      const [otherHigh, otherLow] = [high, low].map((digits) => digits.slice([0, j], [groups, 1]));
      // Of equal ones, those on the left rank before.
      const onTheRight = tf.tensor2d(Array.from({ length: size }, (_, i) => i > j), [1, size], 'bool');
      const lessLow = tf.logicalOr(tf.less(otherLow, low), tf.logicalAnd(tf.equal(otherLow, low), onTheRight));
      const before = tf.logicalOr(tf.less(otherHigh, high), tf.logicalAnd(tf.equal(otherHigh, high), lessLow));
      return rank.add<Tensor2D>(before.cast('float32'));
    });
  }
  return tf.greaterEqual(rank, count).cast<Tensor2D>('float32');
}
