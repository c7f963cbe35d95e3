import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../../science/engine/index.js';
import { PruningInputError } from '../../../../../science/methods/index.js';
import { splitWindows, windowsOf } from '../../../../../science/methods/parts/reconstruct/window-batches.js';
import type { WindowRange } from '../../../../../science/methods/parts/reconstruct/window-batches.js';
import { windowOrder } from '../../../../../science/methods/parts/reconstruct/window-order.js';
import { openTestEngine } from '../../../../helpers/engine.js';

beforeAll(() => openTestEngine());

/** Batches of those sizes. Every window contains its own number, and its target the negative of it. */
function numbered(sizes: readonly number[]) {
  let next = 0;
  return sizes.map((size) => {
    const h = tf.tensor3d(Array.from({ length: size }, () => [[next, next++]]));
    return { h, target: tf.neg<Tensor3D>(h) };
  });
}

/** Returns the numbers of the windows. */
const numbersOf = (ranges: readonly WindowRange[]): number[] =>
  ranges.flatMap((range) => {
    const { h, target } = windowsOf(range);
    const numbers = Array.from(h.dataSync<'float32'>()).filter((_, i) => i % 2 === 0);
    expect(Array.from(target.dataSync<'float32'>())).toEqual(numbers.flatMap((n) => [-n, -n]));
    tf.dispose([h, target]);
    return numbers;
  });

describe('partWindows', () => {
  it.each([
    { sizes: [2, 3, 1], heldOut: 0, training: [0, 1, 2, 3, 4, 5], judging: [0, 1, 2, 3, 4, 5], judges: 3 },
    { sizes: [2, 3, 1], heldOut: 1, training: [0, 1, 2, 3, 4], judging: [5], judges: 1 },
    { sizes: [2, 3, 1], heldOut: 2, training: [0, 1, 2, 3], judging: [4, 5], judges: 2 },
    { sizes: [2, 3, 1], heldOut: 5, training: [0], judging: [1, 2, 3, 4, 5], judges: 3 },
  ])('holds out the last windows: $heldOut of $sizes', ({ sizes, heldOut, training, judging, judges }) => {
    const batches = numbered(sizes);
    const parts = splitWindows(batches, heldOut);
    expect(parts.training.every(({ count }) => count === 1)).toBe(true);
    expect(numbersOf(parts.training)).toEqual(training);
    expect(numbersOf(parts.judging)).toEqual(judging);
    expect(parts.judging.length).toBe(judges);
    tf.dispose(batches.flatMap(({ h, target }) => [h, target]));
  });

  it('refuses to hold out all windows or part of one, and targets of another shape', () => {
    const [batch] = numbered([2]);
    for (const heldOut of [2, 3, -1, 0.5, NaN]) expect(() => splitWindows([batch], heldOut)).toThrow(PruningInputError);
    expect(() => splitWindows([], 0)).toThrow(PruningInputError);
    const [other] = numbered([1]);
    expect(() => splitWindows([{ h: batch.h, target: other.h }], 0)).toThrow(/target of shape \[1, 1, 2\]/);
    tf.dispose([batch.h, batch.target, other.h, other.target]);
  });
});

describe('windowOrder', () => {
  it('has every window once, always in the same order', () => {
    fc.assert(fc.property(fc.nat(60), fc.nat(20), (count, epoch) => {
      const order = windowOrder(count, epoch);
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(windowOrder(count, epoch)).toEqual(order);
    }));
  });

  it('differs between epochs, and puts each window equally often at each place', () => {
    expect(windowOrder(16, 0)).not.toEqual(windowOrder(16, 1));
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (let epoch = 0; epoch < 1000; epoch++) windowOrder(4, epoch).forEach((window, place) => counts[place][window]++);
    // Five standard deviations of a fair shuffle.
    for (const count of counts.flat()) expect(Math.abs(count - 250)).toBeLessThan(70);
  });
});
