import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floorShare } from '../../../../science/methods/index.js';

describe('floorShare', () => {
  it.each([
    [10, 0.1, 1],
    [5, 0.6, 3],
    [100, 0.29, 29],
    [1000, 0.001, 1],
    [3, 1 / 3, 0],
    [10_000_000, 1e-7, 1],
    [7, 1, 7],
    [7, 0, 0],
    [135_266_304, 0.5, 67_633_152],
  ])('of %d, %d is %d', (count, share, expected) => {
    expect(floorShare(count, share)).toBe(expected);
  });

  it('is exact for every share with three decimals', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: 0, max: 1000 }), (count, thousandths) => {
        expect(floorShare(count, Number(`${thousandths}e-3`))).toBe(Number((BigInt(count) * BigInt(thousandths)) / 1000n));
      }),
    );
  });

  it.each([0.01, 0.05, 0.1, 0.5, 0.6])('equals a float product for %d, as in the reference', (share) => {
    fc.assert(fc.property(fc.nat(2 ** 31), (count) => floorShare(count, share) === Math.floor(count * share)), { numRuns: 2000 });
  });

  it.each([-0.1, 1.1, NaN])('refuses %d', (share) => {
    expect(() => floorShare(10, share)).toThrow(/is not a valid share/);
  });
});
