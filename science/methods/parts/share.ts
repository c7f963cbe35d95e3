import { PruningInputError } from './errors.js';

/**
 * Returns `floor(count * share)` for the share as a person writes it. The share is taken as the decimal number that JavaScript
 * prints, and the product is computed in whole numbers. So 0.29 of 100 is 29, although 100 * 0.29 is 28.999999999999996 in floats.
 * If the float product rounds to the exact one (as for all shares of the public reference: 0.01, 0.05, 0.1, 0.5, 0.6), the result
 * is that of Python's `int(count * share)`.
 *
 * @param count whole number of weights, >= 0
 * @param share in [0, 1]
 * @throws PruningInputError if the share is outside [0, 1].
 */
export function floorShare(count: number, share: number): number {
  if (!(share >= 0 && share <= 1)) throw new PruningInputError({ what: `${share} is not a valid share`, expected: 'a number from 0 to 1' });
  const [mantissa = '', exponent = '0'] = String(share).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const decimals = fraction.length - Number(exponent);
  return Number((BigInt(count) * BigInt(whole + fraction)) / 10n ** BigInt(decimals));
}
