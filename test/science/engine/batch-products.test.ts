/** Batched products of the engine against float64 sums, and through the gradient of `tf.matMul`. */
import { beforeAll, describe, expect, it } from 'vitest';
import { openEngine, tf, type Tensor } from '../../../science/engine/index.js';
import { needs, where } from '../../helpers/needs.js';

/** The product in float64, one number at a time. */
function expected(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): number[] {
  const [x, y] = [transposeA ? a.transpose(swapped(a)) : a, transposeB ? b.transpose(swapped(b)) : b];
  const [m, k, n] = [x.shape.at(-2)!, x.shape.at(-1)!, y.shape.at(-1)!];
  const batch = x.shape.slice(0, -2).map((width, i) => Math.max(width, y.shape[i]));
  const whole = (z: Tensor, inner: number[]): Float32Array => tf.broadcastTo(z, [...batch, ...inner]).dataSync<'float32'>();
  const [left, right] = [whole(x, [m, k]), whole(y, [k, n])];
  return Array.from({ length: (left.length / k) * n }, (_, at) => {
    const [matrix, row, column] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
    let sum = 0;
    for (let i = 0; i < k; i++) sum += left[(matrix * m + row) * k + i] * right[(matrix * k + i) * n + column];
    return sum;
  });
}

const swapped = ({ shape: { length } }: Tensor): number[] => [...Array.from({ length: length - 2 }, (_, i) => i), length - 1, length - 2];

const random = (shapes: readonly number[][]): Tensor[] => shapes.map((shape, seed) => tf.randomUniform(shape, -1, 1, 'float32', seed + 1));

function expectClose(made: Tensor, wanted: readonly number[]): void {
  const values = made.dataSync();
  expect(values.length).toBe(wanted.length);
  expect(Math.max(...wanted.map((value, i) => Math.abs(value - values[i])))).toBeLessThan(1e-4);
}

describe('batched products', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openEngine({ backend: 'tensorflow' });
  });

  it.each([
    ['scores', [2, 3, 40, 24], [2, 3, 56, 24], false, true],
    ['values', [2, 3, 40, 56], [2, 3, 56, 24], false, false],
    ['the gradient of keys', [2, 3, 40, 56], [2, 3, 40, 24], true, false],
    ['both transposed', [5, 40, 56], [5, 72, 40], true, true],
    ['shared keys', [2, 3, 40, 24], [2, 1, 56, 24], false, true],
    ['a batch of one', [1, 80, 64], [1, 64, 96], false, false],
    ['small ones', [2, 3, 4], [2, 4, 5], false, false],
  ])('are right, and the same every time: %s', (_, shapeA, shapeB, transposeA, transposeB) => {
    const [a, b] = random([shapeA, shapeB]);
    const made = tf.matMul(a, b, transposeA, transposeB);
    expectClose(made, expected(a, b, transposeA, transposeB));
    expect(tf.matMul(a, b, transposeA, transposeB).dataSync()).toEqual(made.dataSync());
  });

  it('have their gradient', () => {
    const [a, b, dy] = random([[2, 3, 40, 24], [2, 3, 56, 24], [2, 3, 40, 56]]);
    const [da, db] = tf.grads((x: Tensor, y: Tensor) => tf.matMul(x, y, false, true))([a, b], dy);
    expectClose(da, expected(dy, b, false, false));
    expectClose(db, expected(dy, a, true, false));
  });
});
