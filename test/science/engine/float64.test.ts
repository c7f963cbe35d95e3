import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { inTensorScope, tf, type Float64Matrix, type Tensor2D } from '../../../science/engine/index.js';
import { DeviceMatrix } from '../../../science/engine/device-float64.js';
import { HostMatrix } from '../../../science/engine/host-float64.js';
import { openTestEngine } from '../../helpers/engine.js';
import { needs, where } from '../../helpers/needs.js';

beforeAll(() => openTestEngine(needs.tensorflow.met ? 'tensorflow' : 'wasm'));

const makers = {
  host: (values: Float64Array, rows: number, columns: number): Float64Matrix => new HostMatrix(values.slice(), rows, columns),
  device: (values: Float64Array, rows: number, columns: number): Float64Matrix => DeviceMatrix.of(values, rows, columns),
};

describe.each(['host', 'device'] as const)('float64 on the %s', (place) => {
  const options = place === 'device' ? where(needs.tensorflow) : {};
  const make = makers[place];

  it('adds float32 exactly, and rounds once on the way back', options, async () => {
    const sum = make(Float64Array.of(0, 2 ** 40, Math.PI, 1 / 3), 2, 2);
    const ones: Tensor2D = tf.ones([2, 2]);
    for (let i = 0; i < 3; i++) sum.add(ones);
    expect([...(await sum.values())]).toEqual([3, 2 ** 40 + 3, Math.PI + 1 + 1 + 1, 1 / 3 + 1 + 1 + 1]);
    const rounded = sum.toFloat32();
    expect([...(await rounded.data())]).toEqual([3, 2 ** 40 + 3, Math.PI + 3, 1 / 3 + 3].map(Math.fround));
    expect([...(await sum.diagonal())]).toEqual([3, 1 / 3 + 1 + 1 + 1]);
    tf.dispose([ones, rounded]);
    sum.dispose();
  });

  it('detects values that are not finite', options, async () => {
    for (const [value, finite] of [[1, true], [NaN, false], [Infinity, false], [-Infinity, false]] as const) {
      const matrix = make(Float64Array.of(1, 2, 3, value, Number.MAX_VALUE / 4, 0), 2, 3);
      expect(await matrix.isFinite()).toBe(finite);
      matrix.dispose();
    }
  });

  it('finds F with A^-1 = F^T F, in both triangles', options, async () => {
    const sizes = fc.record({ n: fc.integer({ min: 1, max: 24 }), seed: fc.integer(), divisor: fc.constantFrom(1, 7, 2 ** 60), triangle: fc.constantFrom('lower' as const, 'upper' as const) });
    await fc.assert(fc.asyncProperty(sizes, async ({ n, seed, divisor, triangle }) => {
      let state = seed;
      const x = Float64Array.from({ length: n * (n + 3) }, () => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31);
      const a = Float64Array.from({ length: n * n }, (_, at) => {
        let sum = 0;
        for (let t = 0; t < n + 3; t++) sum += x[t * n + Math.floor(at / n)] * x[t * n + (at % n)];
        return sum;
      });
      const diagonal = Float64Array.from({ length: n }, (_, i) => a[i * (n + 1)] + 0.1);
      const matrix = make(a.map((value) => value * divisor), n, n);
      const factor = await matrix.inverseFactor({ diagonal, divisor, triangle });
      const f = await factor!.values();
      // A (F^T F) is the identity.
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let k = 0; k < n; k++) {
            let inverse = 0;
            for (let m = 0; m < n; m++) inverse += f[m * n + k] * f[m * n + j];
            sum += (i === k ? diagonal[i] : a[i * n + k]) * inverse;
          }
          expect(Math.abs(sum - Number(i === j))).toBeLessThan(1e-11);
          if (triangle === 'lower' ? j > i : j < i) expect(f[i * n + j]).toBe(0);
        }
      }
      factor!.dispose();
      matrix.dispose();
    }), { numRuns: 25 });
  });

  it.each([257, 600])('finds F of %i rows, which is more than one block', options, async (n) => {
    // x_i = r x_(i-1) + noise: the inverse covariance has one diagonal on either side of the main one.
    const r = 0.9;
    const covariance = Float64Array.from({ length: n * n }, (_, i) => r ** Math.abs(Math.floor(i / n) - (i % n)));
    const unit = 1 / Math.sqrt(1 - r * r);
    const expected = {
      upper: (row: number, column: number): number => (row === column ? (row === n - 1 ? 1 : unit) : column === row + 1 ? -r * unit : 0),
      lower: (row: number, column: number): number => (row === column ? (row === 0 ? 1 : unit) : column === row - 1 ? -r * unit : 0),
    };
    const matrix = make(covariance, n, n);
    for (const triangle of ['lower', 'upper'] as const) {
      const factor = await matrix.inverseFactor({ diagonal: new Float64Array(n).fill(1), triangle });
      const values = await factor!.values();
      let worst = 0;
      for (let row = 0; row < n; row++) {
        for (let column = 0; column < n; column++) {
          const value = values[row * n + column];
          if (triangle === 'lower' ? column > row : column < row) expect(value).toBe(0);
          worst = Math.max(worst, Math.abs(value - expected[triangle](row, column)));
        }
      }
      expect(worst).toBeLessThan(1e-12);
      factor!.dispose();
    }
    // The last two rows are equal, which gives a bad pivot after the first block.
    const spoilt = make(covariance.map((value, i) => (Math.floor(i / n) >= n - 2 && i % n >= n - 2 ? 1 : value)), n, n);
    expect(await spoilt.inverseFactor({ diagonal: new Float64Array(n).fill(1), triangle: 'lower' })).toBeUndefined();
    for (const one of [matrix, spoilt]) one.dispose();
  });

  it('is disposed with all of its parts by the scope of the work that made it', options, async () => {
    const held = (): number => (tf.backend() as unknown as { getNumOfTFTensors?: () => number }).getNumOfTFTensors?.() ?? 0;
    const before = held();
    const work = inTensorScope(async () => {
      const matrix = make(Float64Array.of(2, 1, 1, 2), 2, 2);
      await matrix.inverseFactor({ diagonal: Float64Array.of(2, 2), triangle: 'upper' });
      expect(await matrix.inverseFactor({ diagonal: Float64Array.of(1, -1), triangle: 'lower' })).toBeUndefined();
      throw new Error('the work fails');
    });
    await expect(work).rejects.toThrow('the work fails');
    expect(held()).toBe(before);
  });

  it.each([
    ['negative', [1, 0, 0, -1]],
    ['indefinite', [1, 2, 2, 1]],
    ['singular except for rounding', [1, 1, 1, 1 + Number.EPSILON]],
    ['NaN', [1, NaN, NaN, 1]],
    ['infinite', [Infinity, 0, 0, 1]],
  ])('finds no F if A is %s', options, async (_, values) => {
    const matrix = make(Float64Array.from(values), 2, 2);
    for (const triangle of ['lower', 'upper'] as const) {
      expect(await matrix.inverseFactor({ diagonal: Float64Array.of(values[0], values[3]), triangle })).toBeUndefined();
    }
    expect([...(await matrix.values())]).toEqual(values);
    matrix.dispose();
  });
});
