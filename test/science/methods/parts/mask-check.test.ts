import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBits } from '../../../../files/checkpoints/index.js';
import { checkInitialMask, checkPattern, checkRebuiltMasks, linearMask, MaskSet, parsePattern, unstructured } from '../../../../science/methods/index.js';
import type { LinearMask } from '../../../../science/methods/index.js';

const linear = (bits: number[], shape: [number, number] = [2, 4]): LinearMask => ({ name: 'q_proj', shape, mask: Uint8Array.from(bits) });
const balanced = [1, 1, 0, 0, 0, 1, 1, 0];

describe('mask checks', () => {
  it('count an initial mask by linear or by row', () => {
    const target = { sparsity: 0.5, pattern: unstructured };
    checkInitialMask(linear(balanced), target, 'output');
    checkInitialMask(linear([1, 1, 1, 0, 0, 1, 0, 0]), target, 'layer');
    expect(() => checkInitialMask(linear([1, 1, 1, 0, 0, 1, 0, 0]), target, 'output')).toThrow(/q_proj, row 0: 1 of 4 weights are pruned; expected 2/);
    expect(() => checkInitialMask(linear([1, 1, 1, 0, 0, 1, 1, 0]), target, 'layer')).toThrow(/q_proj: 3 of 8 weights are pruned; expected 4/);
  });

  it('count an initial mask with a given total, by linear, row or 128 columns', () => {
    const target = { sparsity: 0.5, pattern: unstructured, pruned: 3 };
    checkInitialMask(linear([1, 1, 1, 0, 0, 1, 1, 0]), target, 'layer');
    // The rows must prune 1 and 2.
    checkInitialMask(linear([1, 1, 1, 0, 0, 1, 1, 0]), target, 'output');
    expect(() => checkInitialMask(linear([1, 1, 0, 0, 1, 1, 1, 0]), target, 'output')).toThrow(/q_proj, row 0: 2 of 4 weights are pruned; expected 1/);
    const wide = (zeros: number[]): LinearMask => linear(Array.from({ length: 400 }, (_, i) => Number(!zeros.includes(i))), [2, 200]);
    // The first 128 of 200 columns must prune 1 of 3, the other 72 must prune 2.
    checkInitialMask(wide([5, 199, 399]), target, 'columns');
    expect(() => checkInitialMask(wide([5, 6, 199]), target, 'columns')).toThrow(/q_proj, columns 0 to 127: 2 of 256 weights are pruned; expected 1/);
    const hundredth = { sparsity: 0.01, pattern: unstructured };
    checkInitialMask(wide([5, 327, 128]), hundredth, 'columns');
    expect(() => checkInitialMask(wide([5, 6, 327]), hundredth, 'columns')).toThrow(/columns 0 to 127: 3 of 256 weights are pruned; expected 2/);
  });

  it('count every group of N:M', () => {
    checkPattern(linear(balanced), parsePattern('2:4'));
    expect(() => checkPattern(linear([1, 1, 0, 0, 1, 1, 1, 0]), parsePattern('2:4'))).toThrow(/q_proj, row 1, inputs from 0: 3 of 4 weights are kept; expected the pattern 2:4/);
    expect(() => checkPattern(linear(balanced), parsePattern('1:2'))).toThrow(/row 0, inputs from 0: 2 of 2/);
    expect(() => checkPattern(linear([1, 1, 0, 1, 1, 0], [2, 3]), parsePattern('1:2'))).toThrow(/row 0, inputs from 0/);
  });

  it('refuse masks of other values or lengths', () => {
    expect(() => checkPattern(linear([2, 1, 0, 0, 0, 1, 1, 0]), unstructured)).toThrow(/q_proj: 2 at position 0/);
    expect(() => checkPattern(linear([1, 1]), unstructured)).toThrow(/q_proj: a mask of 2 weights; expected 2 x 4/);
  });

  it.each([
    ['block', [0, 1, 1, 0, 0, 1, 0, 1], [1, 1, 1, 0, 0, 1, 1, 0]],
    ['layer', [0, 1, 1, 0, 0, 1, 0, 1], [1, 1, 1, 0, 0, 1, 1, 0]],
    ['output', [0, 1, 1, 0, 0, 1, 0, 1], [1, 1, 1, 0, 0, 1, 0, 0]],
    ['input', [0, 1, 1, 0, 1, 1, 0, 0], [0, 1, 1, 0, 0, 1, 0, 1]],
  ] as const)('compare a rebuilt mask with the budget of each %s', (granularity, good, bad) => {
    const settings = { granularity, pattern: unstructured };
    checkRebuiltMasks([linear(balanced)], [linear([...good])], settings);
    expect(() => checkRebuiltMasks([linear(balanced)], [linear([...bad])], settings)).toThrow(/weights are pruned; expected/);
  });

  it('allow linears of a block to trade weights, but not those of a layer', () => {
    const more = linear([1, 1, 1, 0, 0, 1, 1, 0]);
    const less = linear([1, 0, 0, 0, 0, 1, 1, 0]);
    const before = [linear(balanced), linear(balanced)];
    checkRebuiltMasks(before, [more, less], { granularity: 'block', pattern: unstructured });
    expect(() => checkRebuiltMasks(before, [more, less], { granularity: 'layer', pattern: unstructured })).toThrow(/3 of 8/);
  });

  it('find the same in bits as in bytes', () => {
    const shape = [3, 16] as const;
    const masks = fc.array(fc.constantFrom(0, 1), { minLength: 48, maxLength: 48 }).map((bits) => Uint8Array.from(bits));
    const halves = fc.constant(Uint8Array.from({ length: 48 }, (_, i) => i & 1));
    const found = (work: () => void): string => {
      try {
        work();
        return 'nothing';
      } catch (error) {
        return (error as Error).message;
      }
    };
    fc.assert(fc.property(fc.oneof(masks, halves), fc.oneof(masks, halves), fc.constantFrom('unstructured', '1:2', '2:4', '4:8', '1:4', '3:16'), fc.constantFrom('block', 'layer', 'output', 'input'), (before, after, pattern, granularity) => {
      const spec = { name: 'q_proj', shape };
      const [asBytes, asBits] = [
        [before, after].map((mask) => linearMask(new Map([['q_proj', mask]]), spec)),
        [before, after].map((mask) => linearMask(MaskSet.ofBits([spec], new Map([['q_proj', packBits(mask)]])), spec)),
      ];
      const check = ([old, now]: LinearMask[]) => () => { checkRebuiltMasks([old], [now], { granularity: granularity, pattern: parsePattern(pattern) }); };
      expect(found(check(asBits))).toBe(found(check(asBytes)));
    }), { numRuns: 300 });
  });
});
