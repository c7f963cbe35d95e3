/** What prune-smallest.ts does, on the device. */
import { tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import { keysOf, smallest } from './device-selection.js';

/**
 * Prunes the `count` smallest magnitudes of every row; ties go to the lower position.
 *
 * @param scores finite, `[groups, groupSize]`, on the `tensorflow` backend
 * @returns the mask as float32 of the same shape, 1 = kept
 */
export function pruneSmallestOnDevice(scores: Tensor2D, count: number): Tensor2D {
  return tf.tidy(() => {
    const counts = tf.tensor2d(new Int32Array(scores.shape[0]).fill(count), [scores.shape[0], 1]);
    const [pruned] = smallest([keysOf(scores)], counts);
    return tf.cast(tf.logicalNot(pruned), 'float32');
  });
}
