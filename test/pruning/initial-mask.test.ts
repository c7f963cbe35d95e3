import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkInitialMask, magnitudeMask, unstructured, wandaMask } from '../../pruning/index.js';
import type { Shape } from '../../pruning/index.js';
import { nmPatterns, scores, shapes, sparsities } from './generate.js';

/** Positions of a group in ascending order of score, the first `count` of which go. */
function prunedOf(score: (i: number) => number, positions: number[], count: number): number[] {
  return [...positions].sort((a, b) => score(a) - score(b) || a - b).slice(0, count);
}

function oracle(score: (i: number) => number, [outputs, inputs]: Shape, groupSize: number, count: number): Uint8Array {
  const mask = new Uint8Array(outputs * inputs).fill(1);
  for (let start = 0; start < mask.length; start += groupSize) {
    const group = Array.from({ length: groupSize }, (_, i) => start + i);
    for (const position of prunedOf(score, group, count)) mask[position] = 0;
  }
  return mask;
}

const linear = (multiple = 1) =>
  shapes(multiple).chain((shape) => fc.record({ shape: fc.constant(shape), weight: scores(shape[0] * shape[1]), norms: scores(shape[1]) }));

/** floor(size * sparsity) in whole hundredths. */
const budget = (size: number, sparsity: number): number => Math.floor((size * Math.round(sparsity * 100)) / 100);

describe('initial masks', () => {
  it('magnitude prunes the smallest of the linear', () => {
    fc.assert(
      fc.property(linear(), sparsities, ({ shape, weight }, sparsity) => {
        const mask = magnitudeMask(weight, shape, { sparsity, pattern: unstructured });
        expect(mask).toEqual(oracle((i) => weight[i], shape, weight.length, budget(weight.length, sparsity)));
        checkInitialMask({ name: 'linear', shape, mask }, { sparsity, pattern: unstructured }, 'layer');
      }),
    );
  });

  it('Wanda prunes the smallest |w| * norm of each row', () => {
    fc.assert(
      fc.property(linear(), sparsities, ({ shape, weight, norms }, sparsity) => {
        const score = (i: number): number => Math.fround(weight[i] * norms[i % shape[1]]);
        fc.pre(weight.every((_, i) => Number.isFinite(score(i))));
        const mask = wandaMask(weight, norms, shape, { sparsity, pattern: unstructured });
        expect(mask).toEqual(oracle(score, shape, shape[1], budget(shape[1], sparsity)));
        checkInitialMask({ name: 'linear', shape, mask }, { sparsity, pattern: unstructured }, 'output');
      }),
    );
  });

  it('both keep the N largest of every M inputs', () => {
    fc.assert(
      fc.property(nmPatterns.chain((pattern) => fc.tuple(fc.constant(pattern), linear(pattern.of))), ([pattern, { shape, weight, norms }]) => {
        const target = { sparsity: 0.123, pattern };
        const score = (i: number): number => Math.fround(weight[i] * norms[i % shape[1]]);
        fc.pre(weight.every((_, i) => Number.isFinite(score(i))));
        const prune = pattern.of - pattern.keep;
        expect(magnitudeMask(weight, shape, target)).toEqual(oracle((i) => weight[i], shape, pattern.of, prune));
        const mask = wandaMask(weight, norms, shape, target);
        expect(mask).toEqual(oracle(score, shape, pattern.of, prune));
        checkInitialMask({ name: 'linear', shape, mask }, target, 'output');
      }),
    );
  });

  it('names what cannot be ordered or does not fit', () => {
    const target = { sparsity: 0.5, pattern: unstructured };
    const weight = Float32Array.from([1, 2, 3, 4]);
    expect(() => magnitudeMask(Float32Array.from([1, 2, 3, -Infinity]), [2, 2], target, 'q_proj')).toThrow(/weight of q_proj: -Infinity at row 1, column 1/);
    expect(() => wandaMask(weight, Float32Array.from([1, NaN]), [2, 2], target, 'q_proj')).toThrow(/Wanda score of q_proj: NaN at row 0, column 1/);
    expect(() => magnitudeMask(weight, [2, 3], target, 'q_proj')).toThrow(/weight of q_proj: 4 numbers; expected 6/);
    expect(() => magnitudeMask(weight, [2, 2], { sparsity: 0.5, pattern: { kind: 'N:M', keep: 2, of: 4 } }, 'q_proj')).toThrow(/q_proj: the pattern 2:4 does not fit its 2 inputs/);
  });
});
