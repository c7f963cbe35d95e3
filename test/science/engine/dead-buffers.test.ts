import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openEngine, tf, type Tensor1D } from '../../../science/engine/index.js';
import { needs, where } from '../../helpers/needs.js';

/** 24 MiB in float32. */
const length = (24 * 2 ** 20) / 4;

describe('buffers that pass between JavaScript and TensorFlow', where(needs.tensorflow), () => {
  /** Is in TensorFlow already, so only results pass. */
  let source: Tensor1D;
  beforeAll(async () => {
    await openEngine({ backend: 'tensorflow' });
    source = tf.tensor1d(new Float32Array(length));
    source.neg().dispose();
  });
  afterAll(() => { source.dispose(); });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test.each<[way: string, pass: () => void]>([
    ['down', () => { tf.tidy(() => { source.neg().dataSync(); }); }],
    ['up', () => { tf.tidy(() => { tf.tensor1d(new Float32Array(length)).neg(); }); }],
  ])('are collected after every 128 MiB: %s', (_, pass) => {
    const collect = vi.fn();
    vi.stubGlobal('gc', collect);
    const collections = Array.from({ length: 30 }, () => {
      const before = collect.mock.calls.length;
      pass();
      return collect.mock.calls.length - before;
    });
    // Five of 24 MiB are less than 128 MiB, six are more. Earlier work determines only when the first collection is due.
    const at = collections.flatMap((count, index) => (count === 0 ? [] : [index]));
    expect(at.length).toBeGreaterThanOrEqual(4);
    expect(at.slice(1).map((index, one) => index - at[one])).toEqual(at.slice(1).map(() => 6));
  });
});
