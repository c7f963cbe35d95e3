import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../science/engine/index.js';
import { maskedLeastSquares } from '../../../../science/methods/parts/masked-least-squares.js';
import { openTestEngine } from '../../../helpers/engine.js';

beforeAll(() => openTestEngine());

interface Problem {
  x: number[][];
  y: number[][];
  start: number[][];
  mask: number[][];
  damping: number;
}

/** The minimum in float64, row by row: the normal equations of the kept weights, by Gaussian elimination with pivoting. */
function solve({ x, y, start, mask, damping }: Problem): number[][] {
  const inputs = start[0].length;
  const h = (i: number, j: number): number => x.reduce((sum, token) => sum + token[i] * token[j], 0);
  return start.map((row, out) => {
    const kept = [...row.keys()].filter((i) => mask[out][i] === 1 && h(i, i) > 0);
    const equations = kept.map((i) => [
      ...kept.map((j) => h(i, j) + (i === j ? damping * h(i, i) : 0)),
      x.reduce((sum, token, t) => sum + token[i] * y[t][out], 0) + damping * h(i, i) * row[i],
    ]);
    for (let c = 0; c < kept.length; c++) {
      const pivot = equations.slice(c).reduce((best, line, k) => (Math.abs(line[c]) > Math.abs(equations[best][c]) ? k + c : best), c);
      [equations[c], equations[pivot]] = [equations[pivot], equations[c]];
      for (let r = 0; r < kept.length; r++) {
        if (r === c) continue;
        const factor = equations[r][c] / equations[c][c];
        equations[r] = equations[r].map((value, k) => value - factor * equations[c][k]);
      }
    }
    const result = Array.from({ length: inputs }, (_, i) => (mask[out][i] === 1 ? row[i] : 0));
    kept.forEach((i, c) => { result[i] = equations[c][kept.length] / equations[c][c]; });
    return result;
  });
}

function loss({ x, y, start, damping }: Problem, w: number[][]): number {
  const fit = x.reduce((sum, token, t) => sum + w.reduce((all, row, out) => all + (row.reduce((dot, value, i) => dot + value * token[i], 0) - y[t][out]) ** 2, 0), 0);
  const held = w.reduce((sum, row, out) => sum + row.reduce((all, value, i) => all + damping * x.reduce((h, token) => h + token[i] ** 2, 0) * (value - start[out][i]) ** 2, 0), 0);
  return fit + held;
}

async function fit({ x, y, start, mask, damping }: Problem): Promise<number[][]> {
  const inputs = start[0].length;
  const [tx, ty] = [tf.tensor2d(x), tf.tensor2d(y)];
  const moments = { products: tf.matMul<typeof tx>(tx, tx, true), squares: tx.square().sum<ReturnType<typeof tf.tensor1d>>(0) };
  const fitted = await maskedLeastSquares({ ...moments, targets: tf.matMul<typeof tx>(ty, tx, true), start: tf.tensor2d(start), mask: Uint8Array.from(mask.flat()), damping });
  return start.map((_, row) => [...fitted.subarray(row * inputs, (row + 1) * inputs)]);
}

function rows(count: number, length: number, value: fc.Arbitrary<number>): fc.Arbitrary<number[][]> {
  return fc.array(fc.array(value, { minLength: length, maxLength: length }), { minLength: count, maxLength: count });
}

const sixteenths = fc.integer({ min: -32, max: 32 }).map((n) => n / 16);
const problems = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 12 })).chain(([outputs, inputs, tokens]) =>
  fc.record({
    x: rows(tokens, inputs, sixteenths),
    y: rows(tokens, outputs, sixteenths),
    start: rows(outputs, inputs, sixteenths),
    mask: rows(outputs, inputs, fc.integer({ min: 0, max: 1 })),
    damping: fc.constantFrom(0.01, 0.1, 1),
  }),
);

describe('maskedLeastSquares', () => {
  it('reaches the minimum of the normal equations', async () => {
    await fc.assert(fc.asyncProperty(problems, async (problem) => {
      const [found, exact] = [await fit(problem), solve(problem)];
      found.flat().forEach((value, i) => { expect(value).toBeCloseTo(exact.flat()[i], 2); });
      expect(loss(problem, found)).toBeLessThanOrEqual(loss(problem, exact) * 1.0001 + 1e-4);
    }), { numRuns: 100 });
  });

  it('gives the same result if rows are processed in parts', async () => {
    // Parts of 20 rows, the last one smaller.
    const inputs = 64;
    const outputs = 50;
    const weightsAtOnce = 20 * inputs + 5;
    const squares = tf.ones<import('@tensorflow/tfjs').Rank.R1>([inputs]);
    const products = tf.eye(inputs);
    const start = tf.zeros<import('@tensorflow/tfjs').Rank.R2>([outputs, inputs]);
    const targets = tf.tidy(() => tf.range(0, outputs).reshape([outputs, 1]).add<typeof start>(start));
    const mask = Uint8Array.from({ length: outputs * inputs }, (_, i) => Number(i % 3 !== 0));
    const fitted = await maskedLeastSquares({ products, squares, targets, start, mask, damping: 0, weightsAtOnce });
    tf.dispose([squares, products, start, targets]);
    expect(fitted.findIndex((value, i) => value !== (mask[i] === 1 ? Math.floor(i / inputs) : 0))).toBe(-1);
  });
});
