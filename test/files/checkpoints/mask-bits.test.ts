import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MaskSizeError, packBits, unpackBits } from '../../../files/checkpoints/index.js';

/** A mask at any offset of a larger buffer, as is common for views. */
const mask = fc.tuple(fc.array(fc.boolean(), { maxLength: 100 }), fc.nat(7)).map(([bits, offset]) => {
  const view = new Uint8Array(new ArrayBuffer(offset + bits.length), offset);
  view.set(bits.map(Number));
  return view;
});

describe('packBits and unpackBits', () => {
  it('put weight i at bit i mod 8 of byte i div 8 and leave the rest 0', () => {
    fc.assert(fc.property(mask, (kept) => {
      const bits = packBits(kept);
      expect(bits).toHaveLength(Math.ceil(kept.length / 8));
      for (let i = 0; i < 8 * bits.length; i++) expect((bits[i >> 3] >> (i % 8)) & 1).toBe(kept[i] ?? 0);
    }));
  });

  it('are the inverse of each other', () => {
    fc.assert(fc.property(mask, (kept) => {
      expect(unpackBits(packBits(kept), kept.length)).toEqual(Uint8Array.from(kept));
    }));
  });

  it('agree with numpy.packbits(bitorder="little")', () => {
    expect(packBits(Uint8Array.of(1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1))).toEqual(Uint8Array.of(0b10001101, 0b110));
  });

  it('refuse bits for another number of weights', () => {
    expect(() => unpackBits(new Uint8Array(2), 17)).toThrow('the mask has 2 bytes; expected 3 for 17 weights');
    expect(() => unpackBits(new Uint8Array(2), 8)).toThrow(MaskSizeError);
    expect(unpackBits(new Uint8Array(0), 0)).toEqual(new Uint8Array(0));
  });
});
