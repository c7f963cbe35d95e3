import { beforeAll, expect, it } from 'vitest';
import { tf } from '../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../science/engine/index.js';
import { InputMoments, TokenSums } from '../../../../science/methods/index.js';
import type { LinearSpec } from '../../../../science/models/types.js';
import { openTestEngine } from '../../../helpers/engine.js';

beforeAll(() => openTestEngine());

const linear = (name: string, inputs: number): LinearSpec => ({ name, shape: [2, inputs] });

it('adds up batches, once for linears that read the same tensor', () => {
  const tensors = tf.memory().numTensors;
  const [q, k, o] = [linear('q', 2), linear('k', 2), linear('o', 3)];
  const moments = new InputMoments();
  // As in a forward, the tensors are disposed after each batch. The second batch has two sequences.
  for (const [x, core] of [[[[[1, 2]]], [[[1, 0, 3]]]], [[[[3, 4]], [[0, 5]]], [[[0, 0, 1]], [[2, 0, 0]]]]]) {
    tf.tidy(() => {
      const [shared, own] = [tf.tensor3d(x), tf.tensor3d(core)] as [Tensor3D, Tensor3D];
      moments.add(q, shared);
      moments.add(k, shared);
      moments.add(o, own);
    });
  }
  expect(moments.inputs.map(({ linears }) => linears.map(({ name }) => name))).toEqual([['q', 'k'], ['o']]);
  const [first, second] = moments.inputs.map(({ sums }) => sums.moments());
  expect(first.products.arraySync()).toEqual([[10, 14], [14, 45]]);
  expect(first.squares.arraySync()).toEqual([10, 45]);
  expect(second.products.arraySync()).toEqual([[5, 0, 3], [0, 0, 0], [3, 0, 10]]);
  moments.dispose();
  expect(tf.memory().numTensors).toBe(tensors);
});

it('treats the same tensor from the same linear as a new batch', () => {
  const moments = new InputMoments();
  const x: Tensor3D = tf.ones([1, 4, 2]);
  const [q, k] = [linear('q', 2), linear('k', 2)];
  for (let batch = 0; batch < 2; batch++) for (const each of [q, k]) moments.add(each, x);
  expect(moments.inputs).toHaveLength(1);
  expect(moments.inputs[0].sums.moments().squares.arraySync()).toEqual([8, 8]);
  moments.dispose();
  x.dispose();
});

it('does not depend on the batches, and keeps small terms beside a large sum, by adding sequence by sequence', async () => {
  const x: Tensor3D = tf.randomNormal([6, 32, 8], 0, 1, 'float32', 3);
  const whole = new TokenSums(1);
  whole.add(x);
  const apart = new TokenSums(1);
  for (const part of tf.split<Tensor3D>(x, [1, 2, 3])) apart.add(part);
  expect(await apart.products().values()).toEqual(await whole.products().values());
  const large = new TokenSums();
  large.add(tf.tensor3d([4096], [1, 1, 1]));
  for (let i = 0; i < 5; i++) large.add(tf.tensor3d([1], [1, 1, 1]));
  expect(await large.products().values()).toEqual(Float64Array.of(2 ** 24 + 5));
  for (const sums of [whole, apart, large]) sums.dispose();
});

it('matches float64 for 128 windows of 2,048 tokens, except for the rounding within a window', async () => {
  const sums = new TokenSums(1);
  const [time, inputs] = [2048, 4];
  const exact = new Float64Array(inputs * inputs);
  for (let window = 0; window < 128; window++) {
    // The mean is not zero, so sums keep growing.
    const x: Tensor3D = tf.randomNormal([1, time, inputs], 1, 1, 'float32', window + 1);
    sums.add(x);
    const values = x.dataSync();
    for (let t = 0; t < time; t++) {
      for (let i = 0; i < inputs; i++) for (let j = 0; j < inputs; j++) exact[i * inputs + j] += values[t * inputs + i] * values[t * inputs + j];
    }
    x.dispose();
  }
  const found = await sums.products().values();
  exact.forEach((value, at) => { expect(Math.abs(found[at] / value - 1)).toBeLessThan(5e-7); });
  sums.dispose();
});

it('returns targets, and can be used again after disposal', () => {
  const tensors = tf.memory().numTensors;
  const [x, y]: Tensor3D[] = [tf.tensor3d([1, 2, 3, 4], [1, 2, 2]), tf.tensor3d([1, -1], [1, 2, 1])];
  const sums = new TokenSums();
  expect(() => sums.moments()).toThrow(/no window was visited/);
  for (let round = 0; round < 2; round++) {
    sums.add(x, y);
    expect(sums.moments().products.arraySync()).toEqual([[10, 14], [14, 20]]);
    sums.add(x, y);
    expect(sums.moments().squares.arraySync()).toEqual([20, 40]);
    const targets = sums.targets();
    expect(targets.arraySync()).toEqual([[-4, -4]]);
    targets.dispose();
    sums.dispose();
  }
  sums.add(x);
  expect(() => sums.targets()).toThrow(/no target was added/);
  sums.dispose();
  tf.dispose([x, y]);
  expect(tf.memory().numTensors).toBe(tensors);
});
