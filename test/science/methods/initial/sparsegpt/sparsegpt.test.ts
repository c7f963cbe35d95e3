import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { selectOn, tf } from '../../../../../science/engine/index.js';
import type { Tensor2D } from '../../../../../science/engine/index.js';
import { HessianError, plainFactor } from '../../../../../science/methods/parts/hessian-factor.js';
import { magnitudeMask, parsePattern, PatternError, unstructured } from '../../../../../science/methods/index.js';
import type { MaskTarget, Shape } from '../../../../../science/methods/index.js';
import { floorShare } from '../../../../../science/methods/parts/share.js';
import { sparseGpt as prune } from '../../../../../science/methods/initial/sparsegpt/sparsegpt.js';
import { needs, where } from '../../../../helpers/needs.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { nmPatterns, sparsities } from '../../generate.js';
import { factorHessian, sparseGpt } from './of-arrays.js';
import { inverse, sparseGptOracle } from './sparsegpt-oracle.js';

beforeAll(async () => {
  await openTestEngine(needs.tensorflow.met ? 'tensorflow' : 'wasm');
});

const half: MaskTarget = { sparsity: 0.5, pattern: unstructured };
const nm = (text: string): MaskTarget => ({ sparsity: 0.5, pattern: parsePattern(text) });

/** Numbers in [-1, 1), always the same for a seed. */
function random(length: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31);
}

/** Sum of x x^T over correlated tokens; inputs in `dead` are always zero. */
function gram(inputs: number, tokens: number, dead: readonly number[] = [], seed = 7): Float64Array {
  const h = new Float64Array(inputs * inputs);
  const noise = random(tokens * (inputs + 1), seed);
  for (let t = 0; t < tokens; t++) {
    const common = noise[t * (inputs + 1) + inputs];
    const x = Array.from({ length: inputs }, (_, i) => (dead.includes(i) ? 0 : (1 + i / 4) * (noise[t * (inputs + 1) + i] + common)));
    for (let i = 0; i < inputs; i++) for (let j = 0; j < inputs; j++) h[i * inputs + j] += x[i] * x[j];
  }
  return h;
}

function rowsOf(h: Float64Array, n: number): number[][] {
  return Array.from({ length: n }, (_, i) => Array.from(h.subarray(i * n, (i + 1) * n)));
}

/** The paper's damping: 0.01 of the mean diagonal. */
function damped(h: Float64Array, n: number): number[][] {
  const rows = rowsOf(h, n);
  const mean = rows.reduce((sum, row, i) => sum + row[i], 0) / n;
  rows.forEach((row, i) => (row[i] += 0.01 * mean));
  return rows;
}

const pruningOn = (place: 'host' | 'device') => (): void => {
  beforeEach(() => { selectOn(place); });
  afterEach(() => { selectOn(undefined); });

  it.each([
    { label: 'one block', shape: [6, 24] as const, target: half, blockSize: 128 },
    { label: 'blocks with a shorter last one', shape: [5, 22] as const, target: half, blockSize: 8 },
    { label: 'blocks of one column', shape: [7, 5] as const, target: half, blockSize: 1 },
    { label: 'so many blocks that their updates are combined', shape: [3, 20] as const, target: half, blockSize: 1 },
    { label: 'another sparsity', shape: [9, 13] as const, target: { ...half, sparsity: 0.7 }, blockSize: 5 },
    { label: '2:4 in one block', shape: [6, 24] as const, target: nm('2:4'), blockSize: 128 },
    { label: '2:4 across blocks', shape: [6, 24] as const, target: nm('2:4'), blockSize: 8 },
    { label: '5:6, which does not divide 8', shape: [6, 24] as const, target: nm('5:6'), blockSize: 8 },
    { label: '4:12, larger than a block', shape: [6, 24] as const, target: nm('4:12'), blockSize: 8 },
  ])('follows the derivation of the paper: $label', async ({ shape, target, blockSize }) => {
    const [outputs, inputs] = shape;
    const weight = random(outputs * inputs, 3);
    const hessian = gram(inputs, 40);
    const got = await sparseGpt({ weight, shape, hessian, target, blockSize });
    const expected = sparseGptOracle(weight, shape, damped(hessian, inputs), target, blockSize);
    expect(got.mask).toEqual(expected.mask);
    expected.weight.forEach((value, i) => expect(Math.abs(got.weight[i] - value)).toBeLessThan(2e-5));
    expect(got).toMatchObject({ damping: 0.01, dead: 0 });
  });

  it('uses blocks of 128 by default, each with its own budget', async () => {
    const shape: Shape = [3, 300];
    const { mask } = await sparseGpt({ weight: random(900), shape, hessian: gram(300, 20), target: half });
    const zeros = (from: number, to: number): number =>
      [0, 1, 2].reduce((sum, row) => sum + mask.subarray(row * 300 + from, row * 300 + to).reduce((count, bit) => count + 1 - bit, 0), 0);
    expect([zeros(0, 128), zeros(128, 256), zeros(256, 300)]).toEqual([192, 192, 66]);
  });

  it('equals magnitude pruning if inputs are independent and equal, with ties by position', async () => {
    const shape: Shape = [4, 8];
    const weight = Float32Array.from(random(32), (value) => Math.round(value * 2));
    const identity = Float64Array.from({ length: 64 }, (_, i) => Number(i % 9 === 0));
    for (const target of [half, nm('2:4')]) {
      const got = await sparseGpt({ weight, shape, hessian: identity, target });
      expect(got.mask).toEqual(magnitudeMask(weight, shape, target));
      expect(got.weight).toEqual(weight.map((value, i) => (got.mask[i] === 1 ? value : 0)));
    }
  });

  it('does not depend on the scale of the Hessian, with or without dead inputs', async () => {
    const request = { weight: random(48), shape: [4, 12] as const, target: half };
    const hessian = gram(12, 30, [2, 9]);
    const plain = await sparseGpt({ ...request, hessian });
    for (const factor of [2 ** -60, 2 ** 60]) expect(await sparseGpt({ ...request, hessian: hessian.map((value) => value * factor) })).toEqual(plain);
  });

  it('prunes dead inputs first, and leaves 0 if the budget keeps them', async () => {
    const shape: Shape = [3, 8];
    const dead = [0, 3, 4, 6, 7];
    const hessian = gram(8, 30, dead);
    const { mask, weight, dead: count } = await sparseGpt({ weight: random(24), shape, hessian, target: half });
    expect(count).toBe(5);
    expect(mask.filter((bit) => bit === 0)).toHaveLength(12);
    mask.forEach((bit, i) => {
      if (dead.includes(i % 8)) expect(Object.is(weight[i], 0)).toBe(true);
      else expect(bit).toBe(1);
    });
    const none = await sparseGpt({ weight: random(24), shape, hessian: new Float64Array(64), target: nm('2:4') });
    expect(none.dead).toBe(8);
    expect(none.weight).toEqual(new Float32Array(24));
  });

  it('keeps every budget, and never gives NaN', async () => {
    const cases = fc
      .record({ pattern: fc.option(nmPatterns), sparsity: sparsities, outputs: fc.integer({ min: 1, max: 6 }), factor: fc.integer({ min: 1, max: 4 }), blockSize: fc.integer({ min: 1, max: 9 }), dead: fc.uniqueArray(fc.nat(12)), tokens: fc.integer({ min: 0, max: 20 }), seed: fc.integer(), levels: fc.constantFrom(1, 2, 1000) });
    await fc.assert(
      fc.asyncProperty(cases, async ({ pattern, sparsity, outputs, factor, blockSize, dead, tokens, seed, levels }) => {
        const inputs = pattern === null ? factor * 3 : factor * pattern.of;
        const target = { sparsity, pattern: pattern ?? unstructured };
        const weight = random(outputs * inputs, seed).map((value) => Math.round(value * levels) / levels);
        const { mask, weight: updated } = await sparseGpt({ weight, shape: [outputs, inputs], hessian: gram(inputs, tokens, dead, seed), target, blockSize });
        const width = pattern === null ? blockSize : pattern.of;
        const heights = pattern === null ? outputs : 1;
        for (let first = 0; first < outputs; first += heights) {
          for (let start = 0; start < inputs; start += width) {
            const end = Math.min(start + width, inputs);
            let zeros = 0;
            for (let row = first; row < first + heights; row++) for (let j = start; j < end; j++) zeros += 1 - mask[row * inputs + j];
            expect(zeros).toBe(pattern === null ? floorShare((end - start) * heights, sparsity) : pattern.of - pattern.keep);
          }
        }
        updated.forEach((value, i) => {
          expect(Number.isFinite(value)).toBe(true);
          if (mask[i] === 0) expect(Object.is(value, 0)).toBe(true);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('leaves no tensor, and does not change its arguments', async () => {
    const hessian = gram(12, 30, [5]);
    const weight = random(48);
    const before = [weight.slice(), hessian.slice()];
    const tensors = tf.memory().numTensors;
    await sparseGpt({ weight, shape: [4, 12], hessian, target: half, blockSize: 4 });
    expect([weight, hessian]).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('falls back to magnitude pruning block by block without tokens', async () => {
    const weight: Tensor2D = tf.tensor2d(random(48), [4, 12]);
    const factor = plainFactor(12, 0.01);
    const { mask, weight: updated } = await prune({ weight, factor, target: nm('2:4') });
    expect(mask).toEqual(magnitudeMask(random(48), [4, 12], nm('2:4')));
    expect(updated).toEqual(random(48).map((value, i) => (mask[i] === 1 ? value : 0)));
    factor.dispose();
    weight.dispose();
  });

  it('refuses arguments that do not fit', async () => {
    const request = { weight: random(24), shape: [4, 6] as const, hessian: gram(6, 9), target: half };
    await expect(sparseGpt({ ...request, target: nm('2:4') })).rejects.toThrow(PatternError);
    await expect(sparseGpt({ ...request, hessian: gram(5, 9) })).rejects.toThrow(/5 inputs/);
    await expect(sparseGpt({ ...request, blockSize: 0 })).rejects.toThrow(/block size of 0/);
    await expect(sparseGpt({ ...request, weight: request.weight.map((value, i) => (i === 9 ? NaN : value)), name: 'up_proj' })).rejects.toThrow(/up_proj.*NaN at row 1, column 3/);
  });
};

describe('sparseGpt on the host', pruningOn('host'));
describe('sparseGpt on the device', where(needs.tensorflow), pruningOn('device'));

describe('factorHessian', () => {
  it.each([1, 5, 63, 64, 66, 131, 200])('factors the inverse of %i inputs', async (n) => {
    const { upper } = await factorHessian(gram(n, 2 * n), n, 0.01);
    const h = damped(gram(n, 2 * n), n);
    const mean = rowsOf(gram(n, 2 * n), n).reduce((sum, row, i) => sum + row[i], 0) / n;
    const expected = inverse(h);
    let worst = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k <= Math.min(i, j); k++) sum += upper[k * n + i] * upper[k * n + j];
        worst = Math.max(worst, Math.abs(sum - expected[i][j] * mean));
      }
    }
    // The inverse has elements up to 1 / 0.01.
    expect(worst).toBeLessThan(1e-9);
  });

  // x_i = r x_(i-1) + noise. Its inverse covariance has one diagonal on either side of the main one, so its factor has one above it.
  it('factors many inputs in float64', async () => {
    const n = 1300;
    const r = 0.9;
    const covariance = Float64Array.from({ length: n * n }, (_, i) => r ** Math.abs(Math.floor(i / n) - (i % n)));
    const { upper, damping } = await factorHessian(covariance, n, 0);
    expect(damping).toBe(0);
    const unit = 1 / Math.sqrt(1 - r * r);
    const expected = (row: number, column: number): number => (row === column ? (row === n - 1 ? 1 : unit) : column === row + 1 ? -r * unit : 0);
    let worst = 0;
    for (let row = 0; row < n; row++) for (let column = row; column < n; column++) worst = Math.max(worst, Math.abs(upper[row * n + column] - expected(row, column)));
    expect(worst).toBeLessThan(1e-11);
    // All inputs are equal. A remainder from rounding must not count as a pivot.
    expect((await factorHessian(new Float64Array(n * n).fill(1), n, 0)).damping).toBe(1e-8);
  });

  it('treats live inputs as if there were no dead ones', async () => {
    const live = [0, 2, 3, 5];
    const h = gram(6, 30, [1, 4]);
    const { upper, dead } = await factorHessian(h, 6, 0.01);
    const reduced = await factorHessian(Float64Array.from(live.flatMap((i) => live.map((j) => h[i * 6 + j]))), 4, 0.01);
    expect(dead).toEqual(Uint32Array.of(1, 4));
    live.forEach((row, i) => live.slice(i).forEach((column, k) => expect(upper[row * 6 + column]).toBeCloseTo(reduced.upper[i * 4 + i + k], 10)));
  });

  it('raises the damping until a Hessian is positive definite, and reports it', async () => {
    // One token with 9 inputs: the Hessian has rank one.
    const singular = gram(9, 1);
    expect((await factorHessian(singular, 9, 0.01)).damping).toBe(0.01);
    // The code must not rely on rounding, with which some singular matrices pass.
    expect((await factorHessian(singular, 9, 0)).damping).toBe(1e-8);
    // The eigenvalues are 3 and -1, so the damping must be above 1.
    const indefinite = Float64Array.of(1, 2, 2, 1);
    expect((await factorHessian(indefinite, 2, 0.01)).damping).toBe(10);
    const { damping, weight } = await sparseGpt({ weight: random(6), shape: [3, 2], hessian: indefinite, target: half });
    expect(damping).toBe(10);
    expect(weight.every(Number.isFinite)).toBe(true);
  });

  it.each([
    ['NaN', [1, NaN, NaN, 1], /NaN at row 0, column 1/],
    ['infinite', [1, 0, 0, Infinity], /Infinity at row 1, column 1/],
    ['negative', [-1, 0, 0, -1], /not positive definite/],
    ['hopeless', [1, 1e9, 1e9, 1], /not positive definite/],
  ])('refuses a Hessian that is %s', async (_, values, message) => {
    await expect(factorHessian(Float64Array.from(values), 2, 0.01, 'fc1')).rejects.toThrow(HessianError);
    await expect(factorHessian(Float64Array.from(values), 2, 0.01, 'fc1')).rejects.toThrow(message);
  });
});
