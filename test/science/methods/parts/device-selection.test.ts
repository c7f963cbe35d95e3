import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { downloadBits, tf } from '../../../../science/engine/index.js';
import type { Tensor2D } from '../../../../science/engine/index.js';
import { pruneSmallestOnDevice } from '../../../../science/methods/parts/device-prune.js';
import { keysOf, smallest } from '../../../../science/methods/parts/device-selection.js';
import { maskBytes } from '../../../../science/methods/parts/mask-set.js';
import { pruneSmallest } from '../../../../science/methods/parts/prune-smallest.js';
import { openTestEngine } from '../../../helpers/engine.js';
import { needs, where } from '../../../helpers/needs.js';
import { scores } from '../generate.js';

const cases = (size: fc.Arbitrary<number>) =>
  fc.tuple(size, fc.integer({ min: 1, max: 5 })).chain(([groupSize, groups]) =>
    fc.record({ groupSize: fc.constant(groupSize), count: fc.nat(groupSize), values: scores(groupSize * groups), signs: fc.infiniteStream(fc.boolean()) }),
  );

function onDevice(values: Float32Array, groupSize: number, count: number): Uint8Array {
  return tf.tidy(() => maskBytes(downloadBits(pruneSmallestOnDevice(tf.tensor2d(values, [values.length / groupSize, groupSize]), count)), values.length));
}

function onHost(values: Float32Array, groupSize: number, count: number): Uint8Array {
  const mask = new Uint8Array(values.length);
  pruneSmallest(values, groupSize, count, mask);
  return mask;
}

describe('selection on the device', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openTestEngine('tensorflow');
  });

  it.each([
    ['groups of N:M, and groups of one', fc.integer({ min: 1, max: 32 }), 40],
    ['rows', fc.integer({ min: 33, max: 300 }), 30],
  ])('prunes the same as the host: %s', (_, size, numRuns) => {
    fc.assert(
      fc.property(cases(size), ({ groupSize, count, values, signs }) => {
        const signed = values.map((value) => (signs.next().value ? value : -value));
        expect(onDevice(signed, groupSize, count)).toEqual(onHost(signed, groupSize, count));
      }),
      { numRuns },
    );
  });

  it('leaves no tensor behind', () => {
    const before = tf.memory().numTensors;
    onDevice(Float32Array.from([3, 1, 2, 1]), 4, 2);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('counts correctly in a group larger than float32 can count', () => {
    // Values 0, 1, 1, ... 1, 2: all but two are equal, and the last pruned ones are beyond position 2^24.
    const size = 2 ** 24 + 10;
    const values = tf.tidy(() => tf.concat([tf.zeros([1, 1]), tf.ones([1, size - 2]), tf.fill([1, 1], 2)], 1));
    const kept = tf.tidy(() => {
      const mask = pruneSmallestOnDevice(values as ReturnType<typeof keysOf>['high'], size - 4);
      return tf.slice(mask, [0, size - 12], [1, 12]);
    });
    expect([...kept.dataSync()]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    tf.dispose([values, kept]);
  });

  it.each([0, 1, 2 ** 17, 2 ** 18 + 4, 2 ** 18 + 5])('prunes %i of each of two rows that are too long for one prefix sum', (count) => {
    // Few values, so that ties span many lines. No power of 2 divides the length.
    const [rows, columns] = [2, 2 ** 18 + 5];
    const values = Float32Array.from({ length: rows * columns }, (_, i) => ((i * 2654435761) >>> 8) % 3);
    const pruned = tf.tidy(() => smallest([keysOf(tf.tensor2d(values, [rows, columns]))], tf.fill<Tensor2D['rankType']>([rows, 1], count, 'int32'))[0].dataSync());
    for (let row = 0; row < rows; row++) {
      const own = values.subarray(row * columns, (row + 1) * columns);
      const first = [...own.keys()].sort((a, b) => own[a] - own[b] || a - b).slice(0, count);
      const expected = new Uint8Array(columns);
      for (const position of first) expected[position] = 1;
      expect(Buffer.compare(Uint8Array.from(pruned.subarray(row * columns, (row + 1) * columns)), expected)).toBe(0);
    }
  });

  it('handles groups that span several tensors, each with its own count', () => {
    const marks = tf.tidy(() => {
      const group = [keysOf(tf.tensor2d([[2, 1], [5, 5]])), keysOf(tf.tensor2d([[1, 1, -0], [5, 4, 5]]))];
      return smallest(group, tf.tensor2d([[3], [4]], [2, 1], 'int32')).map((mark) => mark.arraySync());
    });
    expect(marks).toEqual([[[0, 1], [1, 1]], [[1, 0, 1], [1, 1, 0]]]);
  });
});
