import { tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import { checkFinite } from './finite.js';

/**
 * The same as {@link checkFinite}, on the device. Downloads a single number. Only if a value is not finite, all values are downloaded to
 * find its position.
 *
 * @param values `[out, in]`
 * @throws NonFiniteScoreError
 */
export async function checkFiniteOnDevice(values: Tensor2D, subject: string): Promise<void> {
  const wrong = tf.tidy(() => tf.any(tf.logicalNot(tf.isFinite(values))));
  const [found] = await wrong.data();
  wrong.dispose();
  if (found !== 0) checkFinite(values.dataSync<'float32'>(), values.shape[1], subject);
}
