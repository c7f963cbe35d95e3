import { tf } from '../../engine/index.js';
import type { Tensor1D, Tensor3D } from '../../engine/index.js';

/** The sum of the errors of sequences, and the number of sequences. */
export type ErrorSum = [sum: number, sequences: number];

/** Returns the mean of squares per sequence: `[batch, time, hidden]` -> `[batch]`. */
export function meanSquare(difference: Tensor3D): Tensor1D {
  return tf.tidy(() => difference.square().mean<Tensor1D>([1, 2]));
}

/**
 * Returns the mean of squares per sequence over all of its tokens, even if the sub-block reads only some of them. This makes the errors
 * of a layer's experts add up.
 *
 * @param difference of outputs, `[batch, tokens that the sub-block reads, hidden]`
 * @param stream before the sub-block, `[batch, time, ...]`
 */
export function errorsOfSequences(difference: Tensor3D, stream: Pick<Tensor3D, 'shape'>): Tensor1D {
  return scaleToAllTokens(meanSquare(difference), difference.shape[1], stream.shape[1]);
}

/** Converts means over `read` rows of each sequence to means over `time` rows, where the other rows are zero. */
export function scaleToAllTokens(errors: Tensor1D, read: number, time: number): Tensor1D {
  return read === time ? errors : errors.mul(read / time);
}

/** Downloads the errors of sequences. Disposes the tensors. @param batches errors per sequence, `[batch]` */
export async function downloadErrors(batches: readonly Tensor1D[]): Promise<number[]> {
  const all = tf.concat([...batches]);
  const values = Array.from(await all.data<'float32'>());
  tf.dispose([all, ...batches]);
  return values;
}

/** Adds up the errors of sequences. Disposes the tensors. @param batches as in {@link downloadErrors} */
export async function sumOfErrors(batches: readonly Tensor1D[]): Promise<ErrorSum> {
  const values = await downloadErrors(batches);
  return [values.reduce((sum, value) => sum + value, 0), values.length];
}

export function meanError([sum, count]: ErrorSum): number {
  return sum / count;
}

/** Returns the mean, summed in order. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
