import { describe, expect, it } from 'vitest';
import { magnitudeMask, unstructured, wandaMask } from '../../../../science/methods/index.js';

describe('initial masks', () => {
  it('report values that are not finite and sizes that do not fit', () => {
    const target = { sparsity: 0.5, pattern: unstructured };
    const weight = Float32Array.from([1, 2, 3, 4]);
    expect(() => magnitudeMask(Float32Array.from([1, 2, 3, -Infinity]), [2, 2], target, 'q_proj')).toThrow(/weight of q_proj: -Infinity at row 1, column 1/);
    expect(() => wandaMask(weight, Float32Array.from([1, NaN]), [2, 2], target, 'q_proj')).toThrow(/Wanda score of q_proj: NaN at row 0, column 1/);
    expect(() => magnitudeMask(weight, [2, 3], target, 'q_proj')).toThrow(/weight of q_proj: 4 numbers; expected 6/);
    expect(() => magnitudeMask(weight, [2, 2], { sparsity: 0.5, pattern: { kind: 'N:M', keep: 2, of: 4 } }, 'q_proj')).toThrow(/q_proj: the pattern 2:4 does not fit its 2 inputs/);
    expect(() => magnitudeMask(weight, [2, 2], { ...target, pruned: 5 }, 'q_proj')).toThrow(/q_proj: 5 weights to prune; expected a whole number from 0 to 4/);
    expect(() => wandaMask(weight, Float32Array.of(1, 1), [2, 2], { ...target, pruned: 1.5 }, 'q_proj')).toThrow(/1.5 weights to prune/);
    expect(() => magnitudeMask(weight, [1, 4], { sparsity: 0.5, pattern: { kind: 'N:M', keep: 2, of: 4 }, pruned: 2 }, 'q_proj')).toThrow(/2 weights to prune under an N:M pattern/);
  });
});
