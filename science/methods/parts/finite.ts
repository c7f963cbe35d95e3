import { NonFiniteScoreError } from './errors.js';
import { bitsOf } from './float-bits.js';

/** Exponent of NaN and infinity. */
const nonFinite = 0x7f800000;

/**
 * Refuses values that have no order.
 *
 * @param values row-major `[out, in]`
 * @param subject what they are and of which linear, for the message: `importance of model.layers.0.mlp.up_proj.weight`
 * @param firstRow row of the linear at which `values` begins
 * @throws NonFiniteScoreError with the first position of a NaN or an infinity.
 */
export function checkFinite(values: Float32Array, inputs: number, subject: string, firstRow = 0): void {
  const bits = bitsOf(values);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i] & nonFinite) === nonFinite) {
      throw new NonFiniteScoreError({
        where: subject,
        what: `${values[i]} at row ${firstRow + Math.floor(i / inputs)}, column ${i % inputs}`,
        expected: 'finite numbers',
        remedy: 'Check the checkpoint for NaN or overflowing weights; a model of another numeric type may have been cast to float16.',
      });
    }
  }
}
