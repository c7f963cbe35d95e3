import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import { Adam, rateFactor } from '../../../../../science/methods/parts/reconstruct/adam.js';
import { openTestEngine } from '../../../../helpers/engine.js';

beforeAll(() => openTestEngine());

describe('Adam', () => {
  it('follows algorithm 1 of its paper, leaves frozen weights alone, and disposes its inputs', () => {
    const tensors = tf.memory().numTensors;
    const start = [0.5, -1, 2, 0, 3];
    // The third gradients are as small as epsilon; the fifth is always zero.
    const gradientsOf = (t: number): number[] => [Math.sin(t), 2 - t, 1e-12 * (t + 1), 7, 0];
    const kept = [1, 1, 1, 0, 1];
    const first = tf.tensor1d(start);
    const norm = tf.tensor1d([1, 1]);
    const adam = new Adam(new Map([['w', { start: first, rate: 0.1, kept: tf.tensor1d(kept) }], ['n', { start: norm, rate: 0.01, kept: tf.onesLike(norm) }]]));
    const expected = start.map((w) => ({ w, m: 0, v: 0 }));
    for (let t = 1; t <= 6; t++) {
      const factor = 1 / t;
      adam.step(new Map([['w', tf.tensor1d(gradientsOf(t))], ['n', tf.tensor1d([1, -1])]]), factor);
      expected.forEach((one, i) => {
        const g = gradientsOf(t)[i] * kept[i];
        one.m = 0.9 * one.m + 0.1 * g;
        one.v = 0.99 * one.v + 0.01 * g * g;
        one.w -= (0.1 * factor * (one.m / (1 - 0.9 ** t))) / (Math.sqrt(one.v / (1 - 0.99 ** t)) + 1e-12);
      });
    }
    const values = adam.values.get('w')!.dataSync<'float32'>();
    expected.forEach(({ w }, i) => { expect(values[i]).toBeCloseTo(w, 5); });
    expect(values[3]).toBe(0);
    expect(values[4]).toBe(3);
    // Gradients that keep their sign make full steps.
    const path = 0.01 * (1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5 + 1 / 6);
    expect(adam.values.get('n')!.dataSync()[0]).toBeCloseTo(1 - path, 5);
    expect(adam.values.get('n')!.dataSync()[1]).toBeCloseTo(1 + path, 5);
    adam.dispose();
    expect(first.isDisposed).toBe(false);
    tf.dispose([first, norm]);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('takes the same steps for every scale of the error, since gradients of a mean over many numbers are tiny', () => {
    const start = tf.tensor1d([1, 2]);
    const stepped = (unit: number): number[] => {
      const adam = new Adam(new Map([['w', { start, rate: 0.1, kept: tf.onesLike(start) }]]));
      for (let t = 1; t <= 4; t++) adam.step(new Map([['w', tf.tensor1d([unit * Math.sin(t), unit * (3 - t)])]]), 1);
      const values = [...adam.values.get('w')!.dataSync<'float32'>()];
      adam.dispose();
      return values;
    };
    const expected = stepped(1);
    stepped(1e-9).forEach((value, i) => { expect(value).toBeCloseTo(expected[i], 2); });
    start.dispose();
  });
});

describe('rateFactor', () => {
  it('rises over the first twentieth of the steps, and falls to almost nothing', () => {
    const factors = Array.from({ length: 100 }, (_, step) => rateFactor(step, 100));
    expect(factors[0]).toBeCloseTo(0.2, 10);
    expect(factors[1]).toBeCloseTo(0.4 * 0.99975, 4);
    expect(factors.indexOf(Math.max(...factors))).toBe(4);
    expect(factors[50]).toBeCloseTo(0.5, 10);
    expect(factors[99]).toBeLessThan(3e-4);
    expect(factors[99]).toBeGreaterThan(0);
    // So few steps that there is no warm-up.
    expect(rateFactor(0, 4)).toBe(1);
  });
});
