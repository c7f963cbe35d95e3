import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactShare } from '../../../files/masks/index.js';

/** Number of weights in all prunable linears. */
const models: [model: string, weights: number][] = [
  ['LLaMA-7B', 32 * (4 * 4096 * 4096 + 3 * 4096 * 11_008)],
  ['LLaMA-13B', 12_687_769_600],
  ['OPT-13B', 12_582_912_000],
  ['LLaMA-70B', 68_451_041_280],
  ['OPT-175B', 96 * 12 * 12_288 * 12_288],
];

describe('the budget of a whole model', () => {
  it.each([
    [12_687_769_600, 0.145, 1_839_726_592],
    [12_687_769_600, 0.285, 3_616_014_336],
    [12_687_769_600, 0.29, 3_679_453_184],
    [12_687_769_600, 0.565, 7_168_589_824],
    [12_687_769_600, 0.57, 7_232_028_672],
    [12_687_769_600, 0.575, 7_295_467_520],
    [12_687_769_600, 0.58, 7_358_906_368],
    [68_451_041_280, 0.29, 19_850_801_971],
    [0, 0.5, 0],
    [7, 0, 0],
    [7, 1, 7],
    [100, 0.29, 29],
    [3, 1 / 3, 0],
    [1000, 0.9999999999, 999],
    [10_000_000, 1e-7, 1],
    [10_000_000, 1.5e-7, 1],
    [9_007_199_254_740_991, 1e-16, 0],
    [9_007_199_254_740_991, 0.1, 900_719_925_474_099],
  ])('of %d weights at %d is %d', (count, share, expected) => {
    expect(exactShare(count, share)).toBe(expected);
  });

  it.each(models)('is exact for %s at every tenth of a percent', (_, weights) => {
    const wrong = Array.from({ length: 999 }, (_, i) => i + 1).filter((mille) => exactShare(weights, mille / 1000) !== Number((BigInt(weights) * BigInt(mille)) / 1000n));
    expect(wrong).toEqual([]);
  });

  it('is exact for every share with six decimals', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: 0, max: 1_000_000 }), (count, millionths) => {
        expect(exactShare(count, Number(`${millionths}e-6`))).toBe(Number((BigInt(count) * BigInt(millionths)) / 1_000_000n));
      }),
    );
  });

  it.each([[10, -0.1], [10, 1.1], [10, NaN], [1.5, 0.5], [-1, 0.5], [2 ** 53, 0.5]])('of %d weights at %d is refused', (count, share) => {
    expect(() => exactShare(count, share)).toThrow(/is not a/);
  });
});
