import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bisect, countTrue, tf } from '../../../science/engine/index.js';
import type { Tensor2D } from '../../../science/engine/index.js';
import { openTestEngine } from '../../helpers/engine.js';
import { needs, where } from '../../helpers/needs.js';

const bits = 5;
const rows = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 })).chain(([groups, first, second]) => fc.record({
  first: fc.array(fc.array(fc.nat(2 ** bits), { minLength: first, maxLength: first }), { minLength: groups, maxLength: groups }),
  second: fc.array(fc.array(fc.nat(2 ** bits), { minLength: second, maxLength: second }), { minLength: groups, maxLength: groups }),
  rank: fc.array(fc.integer({ min: -1, max: first + second - 1 }), { minLength: groups, maxLength: groups }),
}));

describe('counts on the device', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openTestEngine('tensorflow');
  });

  it('bisect finds the largest digit with at most so many below it', () => {
    const before = tf.memory().numTensors;
    fc.assert(fc.property(rows, ({ first, second, rank }) => {
      const found = tf.tidy(() => {
        const { digit, below } = bisect([tf.tensor2d(first), tf.tensor2d(second)], tf.tensor2d(rank, [rank.length, 1], 'int32'), bits);
        return { digit: [...digit.dataSync()], below: [...below.dataSync()] };
      });
      rank.forEach((wanted, group) => {
        const all = [...first[group], ...second[group]];
        const belowOf = (digit: number): number => all.filter((value) => value < digit).length;
        const digits = Array.from({ length: 2 ** bits }, (_, digit) => digit).filter((digit) => belowOf(digit) <= wanted);
        const expected = digits.at(-1) ?? 0;
        expect([found.digit[group], found.below[group]]).toEqual([expected, belowOf(expected)]);
      });
    }), { numRuns: 40 });
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([[1, 1], [3, 37], [2, 2 ** 24 + 3]])('counts the true elements of %i rows of %i', (count, columns) => {
    const before = tf.memory().numTensors;
    // Row r has r + 1 false elements, at its end.
    const found = tf.tidy(() => {
      const limits = tf.tensor2d(Array.from({ length: count }, (_, row) => columns - row - 1), [count, 1], 'int32');
      const flags = tf.less<Tensor2D>(tf.range(0, columns, 1, 'int32').reshape([1, columns]), limits);
      return [...countTrue(flags).dataSync()];
    });
    expect(found).toEqual(Array.from({ length: count }, (_, row) => columns - row - 1));
    expect(tf.memory().numTensors).toBe(before);
  });
});
