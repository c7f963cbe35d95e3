import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBits } from '../../../files/checkpoints/index.js';
import { countLinear } from '../../../files/masks/facts.js';
import { Violations, violationText } from '../../../files/masks/violations.js';
import { random } from './made-checkpoint.js';

/** Returns the detected pattern, and the violations. */
function find(mask: Uint8Array, shape: [number, number], strictness: 'exactly' | 'atMost'): { pattern: string; texts: string[] } {
  const violations = new Violations();
  const { pattern } = countLinear({ name: 'w', shape, bits: packBits(mask) }, { stated: undefined, strictness }, violations);
  return { pattern, texts: violations.listed.map(violationText) };
}

/** A mask that keeps a random `keep` of every `of` weights. */
function grouped(keep: number, of: number, groups: number, seed: number): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length: groups }).reduce<Uint8Array>((mask, _, group) => {
    const order = Array.from({ length: of }, (_, i) => ({ i, key: next() })).sort((a, b) => a.key - b.key);
    for (const { i } of order.slice(0, keep)) mask[group * of + i] = 1;
    return mask;
  }, new Uint8Array(groups * of));
}

describe('finding a pattern', () => {
  it.each([[1, 2], [2, 4], [1, 4], [3, 4], [4, 8], [5, 8], [7, 16], [31, 32]])('names %i:%i and nothing larger', (keep, of) => {
    const mask = grouped(keep, of, 64, keep * of);
    for (const strictness of ['exactly', 'atMost'] as const) expect(find(mask, [8, 8 * of], strictness)).toEqual({ pattern: `${keep}:${of}`, texts: [] });
  });

  it('is not misled by kept weights that happen to be zero', () => {
    const mask = grouped(2, 4, 64, 5);
    mask[mask.indexOf(1)] = 0;
    expect(find(mask, [8, 32], 'atMost')).toEqual({ pattern: '2:4', texts: [] });
    expect(find(mask, [8, 32], 'exactly')).toEqual({ pattern: '2:4', texts: [expect.stringContaining('1 of 4 weights are kept from here on; expected 2') as string] });
  });

  it('names the pattern and the one group that breaks it', () => {
    const mask = grouped(2, 4, 64, 6);
    const at = mask.indexOf(0, 4 * 41);
    mask[at] = 1;
    const first = Math.floor(at / 4) * 4;
    expect(find(mask, [8, 32], 'atMost')).toEqual({
      pattern: '2:4', texts: [`w, row ${Math.floor(first / 32)}, column ${first % 32}: 3 of 4 weights are not zero from here on; expected at most 2, as the pattern 2:4 requires`],
    });
  });

  it('finds none in random masks of any sparsity', () => {
    fc.assert(fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(1, 2, 8, 32), (seed, sparsity, rows) => {
      const next = random(seed);
      const mask = Uint8Array.from({ length: rows * 256 }, () => Number(next() >= sparsity));
      // A few groups may all fit a pattern by chance. Even then there are no violations.
      for (const strictness of ['exactly', 'atMost'] as const) expect(find(mask, [rows, 256], strictness).texts).toEqual([]);
      if (rows === 32) expect(find(mask, [rows, 256], 'atMost').pattern).toBe('unstructured');
    }), { numRuns: 200 });
  });

  it('reports no broken groups if only a few groups match a pattern by chance', () => {
    // Of 20 pairs, 12 keep one weight, 6 none and 2 both.
    const mask = Uint8Array.from([...Array<number[]>(12).fill([1, 0]), ...Array<number[]>(6).fill([0, 0]), [1, 1], [1, 1]].flat());
    expect(find(mask, [20, 2], 'atMost')).toEqual({ pattern: 'unstructured', texts: [] });
  });

  it('does not look across the ends of rows', () => {
    expect(find(grouped(2, 4, 63, 7), [42, 6], 'exactly').pattern).toBe('unstructured');
  });
});
