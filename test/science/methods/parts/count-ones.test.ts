import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countOnes } from '../../../../science/methods/parts/count-ones.js';

/** Counts the digits 1 in the binary numbers of all bytes. */
const byDigits = (bits: Uint8Array): number => [...bits].map((byte) => byte.toString(2).replaceAll('0', '').length).reduce((sum, ones) => sum + ones, 0);

it('counts the ones of any bytes, wherever they begin and end', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.nat(40).map((length) => new Uint8Array(length)), fc.nat(40).map((length) => new Uint8Array(length).fill(255)));
  fc.assert(fc.property(bytes, fc.nat(5), (all, skipped) => {
    // Ones before the first byte must not count.
    const bits = Uint8Array.from([...new Uint8Array(skipped).fill(255), ...all]).subarray(skipped);
    expect(countOnes(bits)).toBe(byDigits(all));
  }));
});
