import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tf } from '../../../../science/engine/index.js';
import type { Tensor1D, Tensor2D } from '../../../../science/engine/index.js';
import { admm, magnitudeMask, NonFiniteScoreError, PatternError, unstructured, wandaMask } from '../../../../science/methods/index.js';
import type { AdmmBudget, AdmmRequest, AdmmResult } from '../../../../science/methods/index.js';
import { HessianError } from '../../../../science/methods/parts/hessian-factor.js';
import { admmOracle, damped, loss, onSupport, product, transposed, type Matrix, type Problem } from './admm-oracle.js';

const twoOfFour: AdmmBudget = { kind: 'N:M', keep: 2, of: 4 };

/** Numbers in [-1, 1), always the same for a seed. */
function random(rows: number, columns: number, seed: number): Matrix {
  let state = seed;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31;
  return Array.from({ length: rows }, () => Array.from({ length: columns }, next));
}

/** Correlated inputs of different sizes, and the outputs of a dense linear for them. Inputs in `dead` are always zero. */
function problemOf(outputs: number, inputs: number, seed: number, dead: readonly number[] = []): Problem {
  const noise = random(3 * inputs, inputs + 2, seed);
  const x = noise.map((token) => Array.from({ length: inputs }, (_, i) => (dead.includes(i) ? 0 : (1 + (i % 5)) * (token[i] + token[inputs + (i % 2)]))));
  const start = random(outputs, inputs, seed + 1);
  return { x, y: product(x, transposed(start)), start, damping: 0.01 };
}

async function solve({ x, y, start, damping }: Problem, budget: AdmmBudget, more: Partial<AdmmRequest> = {}): Promise<AdmmResult> {
  const [tx, ty, ts] = [tf.tensor2d(x), tf.tensor2d(y), tf.tensor2d(start)];
  const sums = tf.tidy(() => ({ products: tf.matMul<Tensor2D>(tx, tx, true), squares: tx.square().sum<Tensor1D>(0), targets: tf.matMul<Tensor2D>(ty, tx, true) }));
  try {
    return await admm({ ...sums, start: ts, damping, budget, ...more });
  } finally {
    tf.dispose([tx, ty, ts, ...Object.values(sums)]);
  }
}

const rows = (...counts: number[]): Uint32Array => Uint32Array.from(counts);
const zeros = (mask: Uint8Array): number => mask.reduce((count, bit) => count + 1 - bit, 0);

/** The tests that must pass on every engine. */
export function admmCases(): void {
  describe.each([
    ['rows', rows(6, 6, 6, 6, 6)],
    ['unequal rows', rows(0, 3, 6, 11, 12)],
    ['2:4', twoOfFour],
    ['1:4', { kind: 'N:M', keep: 1, of: 4 } as const],
  ])('budget by %s', (_, budget) => {
    it.each([1, 2, 3, 4])('gives the mask and weights of plain float64, seed %i', async (seed) => {
      const problem = problemOf(5, 12, seed, seed === 4 ? [3, 8] : []);
      const [found, exact] = [await solve(problem, budget), admmOracle(problem, budget)];
      expect([...found.mask]).toEqual(exact.mask);
      exact.weight.forEach((value, i) => { expect(Math.abs(found.weight[i] - value)).toBeLessThan(2e-3); });
      expect(loss(problem, [...found.weight])).toBeLessThan(loss(problem, exact.weight) + 1e-3);
    });
  });

  it('follows targets other than its start, and another number of iterations', async () => {
    const problem = { ...problemOf(4, 8, 9), y: random(24, 4, 5), damping: 0.1 };
    const exact = admmOracle(problem, twoOfFour, 12);
    const found = await solve(problem, twoOfFour, { iterations: 12 });
    expect([...found.mask]).toEqual(exact.mask);
    exact.weight.forEach((value, i) => { expect(found.weight[i]).toBeCloseTo(value, 2); });
  });

  it('has a lower error than least squares on the masks of magnitude and Wanda', async () => {
    for (const seed of [11, 12, 13]) {
      const problem = problemOf(8, 24, seed);
      const weight = Float32Array.from(problem.start.flat());
      const target = { sparsity: 0.5, pattern: unstructured };
      const norms = Float32Array.from(problem.x[0], (_, j) => Math.hypot(...problem.x.map((token) => token[j])));
      const { a, t } = damped(problem);
      const fitted = (mask: Uint8Array): number[] => t.flatMap((row, o) => onSupport(a, row, [...mask.subarray(o * 24, (o + 1) * 24)]));
      const full = loss(problem, t.flatMap((row) => onSupport(a, row, row.map(() => 1))));
      const error = (values: readonly number[]): number => loss(problem, values) - full;
      const found = await solve(problem, new Uint32Array(8).fill(12));
      expect(error([...found.weight])).toBeLessThan(error(fitted(wandaMask(weight, norms, [8, 24], target))));
      expect(error([...found.weight])).toBeLessThan(error(fitted(magnitudeMask(weight, [8, 24], target))));
    }
  });

  it('keeps every budget exactly, with ties and dead inputs', async () => {
    const few = fc.constantFrom(-1, 0, 0, 1);
    const matrix = (height: number, width: number): fc.Arbitrary<Matrix> => fc.array(fc.array(few, { minLength: width, maxLength: width }), { minLength: height, maxLength: height });
    const cases = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom(4, 8, 40)).chain(([outputs, inputs]) => fc.record({
      x: matrix(6, inputs),
      start: matrix(outputs, inputs),
      iterations: fc.constantFrom(1, 2, 7, 30),
      budget: fc.oneof(
        fc.constant(twoOfFour),
        fc.array(fc.integer({ min: 0, max: inputs }), { minLength: outputs, maxLength: outputs }).map((counts) => rows(...counts)),
      ),
    }));
    await fc.assert(fc.asyncProperty(cases, async ({ x, start, iterations, budget }) => {
      const inputs = start[0].length;
      const problem = { x, start, y: product(x, transposed(start)), damping: 0.01 };
      const { mask, weight } = await solve(problem, budget, { iterations });
      if (budget instanceof Uint32Array) budget.forEach((count, row) => { expect(zeros(mask.subarray(row * inputs, (row + 1) * inputs))).toBe(count); });
      else for (let i = 0; i < mask.length; i += 4) expect(zeros(mask.subarray(i, i + 4))).toBe(2);
      const wrong = weight.findIndex((value, i) => !Number.isFinite(value) || (mask[i] === 0 && !Object.is(value, 0)));
      expect(wrong).toBe(-1);
    }), { numRuns: 60 });
  });

  it('prunes dead inputs first, and leaves +0 if one must stay', async () => {
    const problem = problemOf(4, 12, 5, [1, 2, 10]);
    problem.start.forEach((row) => { row[1] = 100; row[2] = -100; });
    const some = await solve(problem, rows(3, 5, 3, 2));
    for (const row of [0, 1, 2]) expect([1, 2, 10].map((i) => some.mask[row * 12 + i])).toEqual([0, 0, 0]);
    expect([1, 2, 10].map((i) => some.mask[36 + i])).toEqual([0, 0, 1]);
    expect(Object.is(some.weight[46], 0)).toBe(true);
    expect(some.dead).toBe(3);
    const dark = await solve({ ...problem, x: problem.x.map((token) => token.map(() => 0)), damping: 0 }, twoOfFour);
    expect(dark).toEqual({ mask: Uint8Array.from({ length: 48 }, (_, i) => Number(i % 4 > 1)), weight: new Float32Array(48), dead: 12 });
  });

  it('gives the same bits every time and for parts of the rows, and leaves no tensor', async () => {
    const problem = problemOf(7, 16, 21);
    const tensors = tf.memory().numTensors;
    for (const budget of [twoOfFour, new Uint32Array(7).fill(9)]) {
      const whole = await solve(problem, budget);
      expect(await solve(problem, budget)).toEqual(whole);
      const parts = await solve(problem, budget, { weightsAtOnce: 3 * 16 + 5 });
      expect(parts.mask).toEqual(whole.mask);
      parts.weight.forEach((value, i) => { expect(value).toBeCloseTo(whole.weight[i], 4); });
    }
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('reports invalid arguments, and leaves no tensor then either', async () => {
    const problem = problemOf(2, 6, 3);
    const tensors = tf.memory().numTensors;
    const named = { name: 'up_proj' };
    await expect(solve(problem, twoOfFour, named)).rejects.toThrow(PatternError);
    await expect(solve(problem, rows(1, 7), named)).rejects.toThrow('up_proj: 7 weights to prune; expected a whole number from 0 to 6');
    await expect(solve(problem, rows(1), named)).rejects.toThrow('up_proj: budgets of 1 rows; expected 2');
    await expect(solve({ ...problem, x: problem.x.map((token) => token.map((value) => value * 1e30)) }, rows(3, 3), named)).rejects.toThrow(HessianError);
    await expect(solve({ ...problem, y: problem.y.map((token) => token.map(() => NaN)) }, rows(3, 3), named)).rejects.toThrow(NonFiniteScoreError);
    expect(tf.memory().numTensors).toBe(tensors);
  });
}
