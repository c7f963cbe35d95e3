/** What prune-smallest.ts does, on the device. */
import { tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import { keysOf, smallest } from './device-selection.js';

/**
 * Prunes the smallest magnitudes of every row; ties go to the lower position.
 *
 * @param scores finite, `[groups, groupSize]`, on the `tensorflow` backend
 * @param count how many of every row, or of each row
 * @returns the mask as float32 of the same shape, 1 = kept
 */
export function pruneSmallestOnDevice(scores: Tensor2D, count: number | readonly number[]): Tensor2D {
  return tf.tidy(() => {
    const rows = scores.shape[0];
    const counts = tf.tensor2d(typeof count === 'number' ? new Int32Array(rows).fill(count) : Int32Array.from(count), [rows, 1]);
    const [pruned] = smallest([keysOf(scores)], counts);
    return tf.cast(tf.logicalNot(pruned), 'float32');
  });
}
