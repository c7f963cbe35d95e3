import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { inTensorScope, keep, tf, type Tensor } from '../../../science/engine/index.js';
import { openTestEngine } from '../../helpers/engine.js';

beforeAll(() => openTestEngine());

it('disposes tensors made in the meantime, before and after a wait and in a tidy, except those kept', async () => {
  const outer = tf.ones([1]);
  const before = tf.memory().numTensors;
  const made: Tensor[] = [];
  const value = await inTensorScope(async () => {
    made.push(tf.ones([2]), tf.tidy(() => tf.ones([3]).add(1)));
    await sleep(1);
    made.push(tf.keep(tf.ones([4])), outer.clone());
    return 5;
  });
  expect(value).toBe(5);
  expect(made.map(({ isDisposed }) => isDisposed)).toEqual([true, true, false, true]);
  expect(tf.memory().numTensors).toBe(before + 1);
  expect(outer.isDisposed).toBe(false);
  tf.dispose([outer, made[2]]);
});

it('disposes them if the work fails inside a tidy, including those kept outside it', async () => {
  const before = tf.memory().numTensors;
  await expect(inTensorScope(async () => {
    tf.ones([2]);
    await sleep(1);
    tf.tidy(() => {
      keep(tf.ones([3]));
      throw new Error('full');
    });
  })).rejects.toThrow('full');
  expect(tf.memory().numTensors).toBe(before);
});
