import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDivides, detectPattern, parsePattern, patternSparsity, patternText, unstructured } from '../../../../science/methods/index.js';
import { nmPatterns, patternMasks, shapes } from '../generate.js';

describe('patterns', () => {
  it.each(['1:2', '2:4', '1:4', '3:4', '4:8', '7:100', 'unstructured'])('reads and writes %s', (text) => {
    expect(patternText(parsePattern(text))).toBe(text);
  });

  it.each(['4:4', '0:4', '5:4', '2:', ':4', '2of4', '-1:4', '1.5:4', '2:4 ', '', 'Unstructured', '0:0'])("refuses '%s'", (text) => {
    expect(() => parsePattern(text)).toThrow(/is not a sparsity pattern; expected 'unstructured', or 'N:M' with 0 < N < M/);
  });

  it('knows the sparsity of N:M', () => {
    expect(patternSparsity(parsePattern('2:4'))).toBe(0.5);
    expect(patternSparsity(parsePattern('1:4'))).toBe(0.75);
    expect(patternSparsity(unstructured)).toBeUndefined();
  });

  it('names the linear that M does not divide', () => {
    const linear = { name: 'model.layers.0.mlp.down_proj.weight', shape: [64, 172] as const };
    checkDivides(parsePattern('2:4'), linear);
    checkDivides(unstructured, linear);
    expect(() => checkDivides(parsePattern('4:8'), linear)).toThrow(/model\.layers\.0\.mlp\.down_proj\.weight: the pattern 4:8 does not fit its 172 inputs/);
  });

  it('finds the smallest M that fits all masks', () => {
    const detectable = nmPatterns.filter(({ of }) => of !== 6);
    const cases = detectable.chain((pattern) =>
      shapes(pattern.of).chain((shape) => fc.tuple(fc.constant(pattern), fc.constant(shape), patternMasks(shape, pattern), patternMasks(shape, pattern))),
    );
    fc.assert(
      fc.property(cases, ([pattern, shape, a, b]) => {
        const found = detectPattern([a, b], [shape, shape]);
        expect(found.kind).toBe('N:M');
        if (found.kind !== 'N:M') return;
        expect(found.of).toBeLessThanOrEqual(pattern.of);
        for (let start = 0; start < a.length; start += found.of) {
          for (const mask of [a, b]) expect(mask.subarray(start, start + found.of).reduce((sum, bit) => sum + bit, 0)).toBe(found.keep);
        }
      }),
    );
    expect(detectPattern([Uint8Array.from([1, 1, 0, 0, 0, 1, 1, 0])], [[1, 8]])).toEqual({ kind: 'N:M', keep: 2, of: 4 });
    expect(detectPattern([Uint8Array.from([1, 0, 0, 1, 0, 1, 1, 0])], [[1, 8]])).toEqual({ kind: 'N:M', keep: 1, of: 2 });
  });

  it.each([
    ['one weight too many', [1, 1, 1, 0, 0, 1, 1, 0], [2, 4]],
    ['dense', [1, 1, 1, 1], [1, 4]],
    ['empty', [0, 0, 0, 0], [1, 4]],
    ['groups that would run over the end of a row', [1, 0, 1, 0, 1, 0], [2, 3]],
  ] as const)('calls %s unstructured', (_, bits, shape) => {
    expect(detectPattern([Uint8Array.from(bits)], [shape])).toEqual(unstructured);
  });

  it('requires the same N in every linear', () => {
    expect(detectPattern([Uint8Array.from([1, 0, 0, 0]), Uint8Array.from([1, 1, 0, 0])], [[1, 4], [1, 4]])).toEqual(unstructured);
  });
});
