import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptByRow, maskTiles, RowHistogram } from '../../../../app/report/view/mask-view.js';
import { packBits } from '../../../../files/checkpoints/index.js';

/** Masks of any small shape, with one byte per weight. */
const masks = fc.tuple(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 })).chain(([out, inputs]) =>
  fc.record({ shape: fc.constant([out, inputs] as const), mask: fc.uint8Array({ minLength: out * inputs, maxLength: out * inputs, max: 1 }) }));

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

describe('a mask as a picture', () => {
  it('counts the kept weights of each row', () => {
    fc.assert(fc.property(masks, ({ shape: [out, inputs], mask }) => {
      const expected = Array.from({ length: out }, (_, row) => sum(mask.subarray(row * inputs, (row + 1) * inputs)));
      expect([...keptByRow(packBits(mask), [out, inputs])]).toEqual(expected);
    }), { numRuns: 60 });
  });

  it('has tiles that contain every weight once', () => {
    fc.assert(fc.property(masks, ({ shape: [out, inputs], mask }) => {
      const { width, height, kept } = maskTiles(packBits(mask), [out, inputs]);
      expect([width, height]).toEqual([Math.min(64, inputs), Math.min(64, out)]);
      const total = Array.from(kept, (share, tile) => {
        const [y, x] = [Math.floor(tile / width), tile % width];
        const size = (count: number, tiles: number, at: number) => Array.from({ length: count }, (_, i) => Math.floor((i * tiles) / count)).filter((one) => one === at).length;
        return share * size(out, height, y) * size(inputs, width, x);
      });
      expect(sum(total)).toBeCloseTo(sum(mask), 6);
    }), { numRuns: 40 });
  });

  it('shows a pruned row and a kept column', () => {
    const mask = new Uint8Array(4 * 4).fill(1);
    mask.fill(0, 4, 8);
    expect([...maskTiles(packBits(mask), [4, 4]).kept]).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('puts every row into one bin, and a row without weights into the last one', () => {
    const histogram = new RowHistogram();
    histogram.add(Uint32Array.from([100, 50, 0, 96]), 100);
    expect(sum(histogram.counts)).toBe(4);
    expect([histogram.counts[0], histogram.counts[10], histogram.counts[19]]).toEqual([2, 1, 1]);
  });
});
