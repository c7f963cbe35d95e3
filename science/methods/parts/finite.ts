import { NonFiniteScoreError } from './errors.js';
import { bitsOf } from './float-bits.js';

/** The exponent bits of NaN and infinity. */
const nonFinite = 0x7f800000;

/**
 * Checks that all values are finite, so that they can be ordered.
 *
 * @param values row-major `[out, in]`
 * @param subject what the values are and of which linear, for the message: `importance of model.layers.0.mlp.up_proj.weight`
 * @param firstRow row of the linear at which `values` begins
 * @throws NonFiniteScoreError with the position of the first NaN or infinity.
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
