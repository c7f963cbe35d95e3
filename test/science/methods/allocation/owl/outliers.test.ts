import { describe, expect, it } from 'vitest';
import { outlierShare } from '../../../../../science/methods/index.js';

describe('outlierShare', () => {
  it('counts scores above a multiple of the mean of the layer, not of the linear', () => {
    // Scores of a: 2 0 0 20, and of b: 1 1. The mean is 4.
    const a = { weight: Float32Array.of(-1, 0, 0, 10), inputNorms: Float32Array.of(2, 2) };
    const b = { weight: Float32Array.of(1, -1), inputNorms: Float32Array.of(1) };
    expect(outlierShare([a, b], 4.9)).toBe(1 / 6);
    // Scores must be above the limit; 20 is exactly at the default of 5 times the mean.
    expect(outlierShare([a, b])).toBe(0);
    expect(outlierShare([a, b], 0.3)).toBe(2 / 6);
    expect(outlierShare([b], 0.9)).toBe(1);
  });

  it('is 0 if all scores are zero, and refuses values that are not finite', () => {
    expect(outlierShare([{ weight: new Float32Array(4), inputNorms: new Float32Array(2) }])).toBe(0);
    expect(() => outlierShare([{ weight: Float32Array.of(NaN), inputNorms: Float32Array.of(1) }])).toThrow(/add up to NaN/);
    expect(() => outlierShare([{ weight: new Float32Array(3), inputNorms: new Float32Array(2) }])).toThrow(/2 input norms for 3 weights/);
  });
});
