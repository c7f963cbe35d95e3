import { MaskBudgetError } from './errors.js';

/**
 * `floor(count * share)` in exact arithmetic. The share is taken as the decimal number that it prints as, so 0.29 of 100 is 29, although
 * the float product is 28.999999999999996. The proof has its own arithmetic because it shares no code with the making of masks.
 *
 * @param count number of weights, an integer from 0 to 2^53
 * @param share in [0, 1]
 * @throws MaskBudgetError for any other number
 */
export function exactShare(count: number, share: number): number {
  if (!Number.isSafeInteger(count) || count < 0) throw new MaskBudgetError({ what: `${count} is not a number of weights`, expected: 'a whole number from 0 to 2^53' });
  if (!(share >= 0 && share <= 1)) throw new MaskBudgetError({ what: `${share} is not a share`, expected: 'a number from 0 to 1' });
  if (share === 1) return count;
  // Long multiplication by the digits after the point, from the last to the first: the carry into the units is the result.
  let carry = 0n;
  for (const digit of decimals(share).reverse()) carry = (carry + BigInt(count) * BigInt(digit)) / 10n;
  return Number(carry);
}

/** The digits after the point of a number in [0, 1): the shortest that distinguish it from its neighbours. */
function decimals(share: number): number[] {
  const [, first = '0', others = '', exponent = '0'] = /^(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(share.toExponential()) ?? [];
  const digits = `${first}${others}`;
  // A share below 1 is 0, or has a negative exponent.
  return [...digits.padStart(digits.length - 1 - Number(exponent), '0')].map(Number);
}
