import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBits } from '../../../files/checkpoints/index.js';
import { groupZeros, MaskProofError, proveMask, type Groups } from '../../../files/masks/index.js';

interface Bytes {
  shape: [number, number];
  /** One byte per weight, 1 = kept. */
  mask: Uint8Array;
}

const anyMask: fc.Arbitrary<Bytes> = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 37 })).chain(([rows, columns]) =>
  fc.uint8Array({ minLength: rows * columns, maxLength: rows * columns, max: 1 }).map((mask) => ({ shape: [rows, columns] as [number, number], mask })));

const packed = ({ shape, mask }: Bytes) => ({ name: 'w', shape, bits: packBits(mask) });

/** The group that a weight belongs to. */
function groupOf(groups: Groups, row: number, column: number): number {
  if (groups === 'layer') return 0;
  if (groups === 'output') return row;
  return groups === 'input' ? column : Math.floor(column / groups.columns);
}

function countByHand({ shape, mask }: Bytes, groups: Groups): { zeros: number; size: number }[] {
  const counts: { zeros: number; size: number }[] = [];
  mask.forEach((kept, i) => {
    const group = groupOf(groups, Math.floor(i / shape[1]), i % shape[1]);
    counts[group] ??= { zeros: 0, size: 0 };
    counts[group].zeros += 1 - kept;
    counts[group].size++;
  });
  return counts;
}

const allGroups: Groups[] = ['layer', 'output', 'input', { columns: 1 }, { columns: 3 }, { columns: 8 }, { columns: 100 }];

describe('groupZeros', () => {
  it('counts correctly for any size and group, as verified by hand', () => {
    fc.assert(fc.property(anyMask, fc.constantFrom(...allGroups), (mask, groups) => {
      expect(groupZeros(packed(mask), groups).map(({ zeros, size }) => ({ zeros, size }))).toEqual(countByHand(mask, groups));
    }), { numRuns: 300 });
  });
});

describe('proveMask', () => {
  it('accepts the budgets of a mask, and names the group of a flipped weight', () => {
    fc.assert(fc.property(anyMask, fc.constantFrom(...allGroups), fc.nat(), (mask, groups, pick) => {
      const zeros = countByHand(mask, groups).map((count) => count.zeros);
      const claim = { pattern: 'unstructured', budget: { groups, zeros } };
      expect(() => proveMask({ ...packed(mask), ...claim })).not.toThrow();
      const at = pick % mask.mask.length;
      const [row, column] = [Math.floor(at / mask.shape[1]), at % mask.shape[1]];
      mask.mask[at] ^= 1;
      const group = groupOf(groups, row, column);
      const now = countByHand(mask, groups)[group];
      const { label } = groupZeros(packed(mask), groups)[group];
      expect(() => proveMask({ ...packed(mask), ...claim })).toThrow(`w: ${label}: ${now.zeros} of ${now.size} weights are pruned; expected ${zeros[group]}.`);
    }), { numRuns: 300 });
  });

  it('accepts one budget for all groups', () => {
    const mask = packed({ shape: [2, 5], mask: Uint8Array.of(1, 0, 0, 1, 1, 0, 1, 1, 0, 1) });
    expect(() => proveMask({ ...mask, pattern: 'unstructured', budget: { groups: 'output', zeros: 2 } })).not.toThrow();
    expect(() => proveMask({ ...mask, pattern: 'unstructured', budget: { groups: 'output', zeros: 3 } })).toThrow(/row 0: 2 of 5[^]*row 1: 2 of 5/);
  });

  it.each([[2, 4], [1, 4], [4, 8], [3, 6], [1, 2], [5, 16], [9, 32], [3, 24]])('finds every broken group of %i:%i', (keep, of) => {
    const anyGroups = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 })).chain(([rows, groups]) => fc.tuple(
      fc.constant([rows, groups * of] as [number, number]),
      fc.array(fc.shuffledSubarray(Array.from({ length: of }, (_, i) => i), { minLength: keep, maxLength: keep }), { minLength: rows * groups, maxLength: rows * groups }),
      fc.nat(),
    ));
    fc.assert(fc.property(anyGroups, ([shape, kept, pick]) => {
      const mask = new Uint8Array(shape[0] * shape[1]);
      kept.forEach((positions, group) => positions.forEach((position) => (mask[group * of + position] = 1)));
      expect(() => proveMask({ ...packed({ shape, mask }), pattern: `${keep}:${of}` })).not.toThrow();
      const at = pick % mask.length;
      mask[at] ^= 1;
      const first = Math.floor(at / of) * of;
      const wrong = mask[at] === 1 ? keep + 1 : keep - 1;
      expect(() => proveMask({ ...packed({ shape, mask }), pattern: `${keep}:${of}` }))
        .toThrow(`w, row ${Math.floor(first / shape[1])}, column ${first % shape[1]}: ${wrong} of ${of} weights are kept from here on; expected ${keep}, `);
    }), { numRuns: 60 });
  });

  it('refuses a pattern that does not divide the inputs, and an invalid pattern', () => {
    const mask = packed({ shape: [4, 6], mask: new Uint8Array(24).fill(1) });
    expect(() => proveMask({ ...mask, pattern: '2:4' })).toThrow('w: 6 inputs, which is not a multiple of 4; expected the pattern 2:4');
    expect(() => proveMask({ ...mask, pattern: '4:2' })).toThrow("'4:2' is not a sparsity pattern");
  });

  it('refuses bits beyond the last weight, and too few or too many bytes', () => {
    const mask = packed({ shape: [1, 11], mask: new Uint8Array(11) });
    mask.bits[1] = 0b1000;
    expect(() => proveMask({ ...mask, pattern: 'unstructured' }, 'mask.safetensors')).toThrow(/mask\.safetensors: w: byte 1, the last one, is 0x08; expected zeros above its lower 3 bits/);
    expect(() => proveMask({ ...mask, bits: mask.bits.subarray(1), pattern: 'unstructured' })).toThrow(/w: the mask has 1 bytes; expected 2 for 1 x 11 weights/);
    expect(() => proveMask({ ...mask, bits: new Uint8Array(3), pattern: 'unstructured' })).toThrow(MaskProofError);
  });

  it('lists the first of many violations and counts the others', () => {
    const mask = packed({ shape: [100, 4], mask: new Uint8Array(400) });
    expect(() => proveMask({ ...mask, pattern: '2:4' })).toThrow(/100 checks failed:[^]*row 19, column 0: 0 of 4[^]*and 80 more/);
  });
});
