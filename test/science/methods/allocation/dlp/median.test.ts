import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { medianScore } from '../../../../../science/methods/index.js';
import { score } from '../../../../../science/methods/allocation/dlp/run.js';

describe('medianScore', () => {
  it('is the median over the weights of all linears together, the lower one of two', () => {
    // Scores of a: 2 0 6 20, and of b: 1 3.
    const a = { weight: Float32Array.of(-1, 0, 3, -10), inputNorms: Float32Array.of(2, 2) };
    const b = { weight: Float32Array.of(1, -3), inputNorms: Float32Array.of(1) };
    expect(medianScore([a, b])).toBe(2);
    expect(medianScore([a])).toBe(2);
    expect(medianScore([b])).toBe(1);
    expect(score([a, b])).toEqual([-2, -2]);
  });

  it('matches sorting, with ties, zeros and any exponents', () => {
    const value = fc.oneof(fc.constantFrom(0, -0, 1, -1, 1e-40, 3e18), fc.float({ noNaN: true, min: Math.fround(-1e18), max: Math.fround(1e18) }));
    const linear = fc.integer({ min: 1, max: 5 }).chain((width) => fc.record({
      weight: fc.array(value, { minLength: width, maxLength: 6 * width }).map((all) => Float32Array.from(all.slice(0, all.length - (all.length % width)))),
      inputNorms: fc.array(value.map(Math.abs), { minLength: width, maxLength: width }).map((all) => Float32Array.from(all)),
    }));
    fc.assert(fc.property(fc.array(linear, { minLength: 1, maxLength: 4 }), (linears) => {
      const all = linears.flatMap(({ weight, inputNorms }) => [...weight].map((w, i) => Math.fround(Math.abs(w) * inputNorms[i % inputNorms.length])));
      const sorted = all.sort((x, y) => x - y);
      expect(medianScore(linears)).toBe(sorted[Math.ceil(sorted.length / 2) - 1]);
    }), { numRuns: 300 });
  });

  it('is 0 for no weights, and refuses values that are not finite', () => {
    expect(medianScore([])).toBe(0);
    expect(medianScore([{ weight: new Float32Array(4), inputNorms: new Float32Array(2) }])).toBe(0);
    for (const bad of [NaN, -NaN, Infinity]) {
      expect(() => medianScore([{ weight: Float32Array.of(1, bad, 1), inputNorms: Float32Array.of(1) }])).toThrow(/not finite/);
    }
    expect(() => medianScore([{ weight: new Float32Array(3), inputNorms: new Float32Array(2) }])).toThrow(/2 input norms for 3 weights/);
  });
});
