/** The operations that every engine must have, compared with plain loops in double precision. */
import { expect, test } from 'vitest';
import { tf, type Tensor } from '../../../science/engine/index.js';

/** Fixed values in (-1, 1) that look random. */
function values(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed));
}

function expectClose(actual: Tensor, expected: readonly number[], shape: readonly number[], tolerance = 2e-6): void {
  expect(actual.shape).toEqual(shape);
  const data = actual.dataSync();
  expected.forEach((value, i) => expect(Math.abs((data[i] ?? NaN) - value), `element ${i}`).toBeLessThan(tolerance));
}

/** `a [rows, inner]` times `b [inner, columns]`, both row-major. */
function product(a: readonly number[], b: readonly number[], rows: number, inner: number, columns: number): number[] {
  return Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += (a[row * inner + k] ?? NaN) * (b[k * columns + column] ?? NaN);
    return sum;
  });
}

function transposed(a: readonly number[], rows: number, columns: number): number[] {
  return Array.from({ length: rows * columns }, (_, at) => a[(at % rows) * columns + Math.floor(at / rows)] ?? NaN);
}

function softmaxRows(a: readonly number[], columns: number): number[] {
  return a.map((value, at) => {
    const start = at - (at % columns);
    const row = a.slice(start, start + columns);
    return Math.exp(value) / row.reduce((sum, other) => sum + Math.exp(other), 0);
  });
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function testProducts(): void {
  const [batch, rows, inner, columns] = [2, 3, 4, 5];
  const [a, b] = [values(batch * rows * inner, 1), values(batch * inner * columns, 2)];
  const expected = [0, 1].flatMap((i) =>
    product(a.slice(i * rows * inner, (i + 1) * rows * inner), b.slice(i * inner * columns, (i + 1) * inner * columns), rows, inner, columns),
  );
  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('multiplies batches of matrices, transposed %s and %s', (left, right) => {
    const x = tf.tensor(a, [batch, rows, inner]);
    const y = tf.tensor(b, [batch, inner, columns]);
    const swapped = [0, 2, 1];
    const result = tf.matMul(left ? tf.transpose(x, swapped) : x, right ? tf.transpose(y, swapped) : y, left, right);
    expectClose(result, expected, [batch, rows, columns]);
  });
}

function testElementwise(): void {
  const a = values(24, 3);
  const x = () => tf.tensor(a, [2, 3, 4]);

  test('softmax over the last axis', () => expectClose(tf.softmax(x()), softmaxRows(a, 4), [2, 3, 4]));
  test('exp', () => expectClose(tf.exp(x()), a.map(Math.exp), [2, 3, 4]));
  test('rsqrt', () => expectClose(tf.rsqrt(tf.add(x(), 2)), a.map((v) => 1 / Math.sqrt(v + 2)), [2, 3, 4]));
  test('square', () => expectClose(tf.square(x()), a.map((v) => v * v), [2, 3, 4]));
  test('sigmoid', () => expectClose(tf.sigmoid(x()), a.map(sigmoid), [2, 3, 4]));
  test('where', () => {
    expectClose(tf.where(tf.greater(x(), 0), x(), tf.zerosLike(x())), a.map((v) => Math.max(v, 0)), [2, 3, 4]);
  });
  test('cast of bool to float32', () => {
    const flags = tf.cast(tf.greater(x(), 0), 'float32');
    expect(flags.dtype).toBe('float32');
    expectClose(flags, a.map((v) => (v > 0 ? 1 : 0)), [2, 3, 4]);
  });
}

function testShapes(): void {
  const a = values(24, 4);
  const x = () => tf.tensor(a, [4, 6]);

  test('transpose, reshape', () => expectClose(tf.reshape(tf.transpose(x()), [3, 8]), transposed(a, 4, 6), [3, 8]));
  test('sum and mean over an axis', () => {
    const sums = [0, 1, 2, 3].map((row) => a.slice(row * 6, row * 6 + 6).reduce((s, v) => s + v, 0));
    expectClose(tf.sum(x(), 1), sums, [4]);
    expectClose(tf.mean(x(), 1, true), sums.map((s) => s / 6), [4, 1]);
  });
  test('gather of rows', () => expectClose(tf.gather(x(), tf.tensor1d([3, 0], 'int32')), [...a.slice(18), ...a.slice(0, 6)], [2, 6]));
  test('slice, concat', () => {
    const halves = [tf.slice(x(), [0, 3], [4, 3]), tf.slice(x(), [0, 0], [4, 3])];
    const expected = [0, 1, 2, 3].flatMap((row) => [...a.slice(row * 6 + 3, row * 6 + 6), ...a.slice(row * 6, row * 6 + 3)]);
    expectClose(tf.concat(halves, 1), expected, [4, 6]);
  });
}

/** An attention-like function of `q [3, 4]` and `k [3, 4]`, with every op that the gradient of a decoder layer passes. */
const time = 3;
const width = 4;

function attentionLike(q: Tensor, k: Tensor): Tensor {
  const weights = tf.softmax(tf.matMul(q, k, false, true));
  const mixed = tf.matMul(weights, tf.transpose(tf.reshape(k, [width, time])));
  const turned = tf.concat([tf.slice(mixed, [0, 2], [time, 2]), tf.slice(mixed, [0, 0], [time, 2])], 1);
  return tf.mean(tf.square(tf.mul(tf.sigmoid(turned), q)));
}

function attentionLikeInLoops(q: readonly number[], k: readonly number[]): number {
  const weights = softmaxRows(product(q, transposed(k, time, width), time, width, time), time);
  const mixed = product(weights, transposed(k, width, time), time, time, width);
  const turned = mixed.map((_, at) => mixed[at - (at % width) + ((at + 2) % width)] ?? NaN);
  return turned.reduce((sum, value, at) => sum + (sigmoid(value) * (q[at] ?? NaN)) ** 2, 0) / turned.length;
}

function testGradients(): void {
  test('gradients through matMul, softmax, reshape, transpose, slice, concat and sigmoid', () => {
    const inputs = [values(time * width, 5), values(time * width, 6)] as const;
    const gradients = tf.grads(attentionLike)(inputs.map((input) => tf.tensor(input, [time, width])));
    const step = 1e-5;
    inputs.forEach((input, which) => {
      const differences = input.map((_, at) => {
        const moved = (by: number) => {
          const changed = inputs.map((other, i) => (i === which ? other.map((v, j) => (j === at ? v + by : v)) : other));
          return attentionLikeInLoops(changed[0] ?? [], changed[1] ?? []);
        };
        return (moved(step) - moved(-step)) / (2 * step);
      });
      expect(Math.max(...differences.map(Math.abs))).toBeGreaterThan(0.01);
      expectClose(gradients[which], differences, [time, width]);
    });
  });
}

/** Registers the tests. The engine must be open when they run. */
export function testOps(): void {
  testProducts();
  testElementwise();
  testShapes();
  testGradients();
}
