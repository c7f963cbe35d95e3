import { beforeAll, expect, it } from 'vitest';
import { tf } from '../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../science/engine/index.js';
import { InputMoments } from '../../../../science/methods/index.js';
import type { LinearSpec } from '../../../../science/models/types.js';
import { openTestEngine } from '../../../helpers/engine.js';

beforeAll(() => openTestEngine());

const linear = (name: string, inputs: number): LinearSpec => ({ name, shape: [2, inputs] });

it('adds up batches, once for linears that read the same tensor', () => {
  const tensors = tf.memory().numTensors;
  const [q, k, o] = [linear('q', 2), linear('k', 2), linear('o', 3)];
  const moments = new InputMoments();
  // As in a forward: the tensors are gone after each batch. The second batch has two sequences.
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

it('takes the same tensor from the same linear as a new batch', () => {
  const moments = new InputMoments();
  const x: Tensor3D = tf.ones([1, 4, 2]);
  const [q, k] = [linear('q', 2), linear('k', 2)];
  for (let batch = 0; batch < 2; batch++) for (const each of [q, k]) moments.add(each, x);
  expect(moments.inputs).toHaveLength(1);
  expect(moments.inputs[0].sums.moments().squares.arraySync()).toEqual([8, 8]);
  moments.dispose();
  x.dispose();
});
