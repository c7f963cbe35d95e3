import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pruneSmallest } from '../../../../science/methods/parts/prune-smallest.js';
import { scores } from '../generate.js';

/** The weights that a stable sort would prune. */
function oracle(values: Float32Array, groupSize: number, count: number): Uint8Array {
  const mask = new Uint8Array(values.length).fill(1);
  for (let start = 0; start < values.length; start += groupSize) {
    const order = Array.from({ length: groupSize }, (_, i) => start + i);
    order.sort((a, b) => Math.abs(values[a]) - Math.abs(values[b]) || a - b);
    for (const position of order.slice(0, count)) mask[position] = 0;
  }
  return mask;
}

const cases = (size: fc.Arbitrary<number>) =>
  fc.tuple(size, fc.integer({ min: 1, max: 4 })).chain(([groupSize, groups]) =>
    fc.record({ groupSize: fc.constant(groupSize), count: fc.nat(groupSize), values: scores(groupSize * groups), signs: fc.infiniteStream(fc.boolean()) }),
  );

describe('pruneSmallest', () => {
  it.each([
    ['small groups', fc.integer({ min: 1, max: 32 }), 300],
    ['groups of a row', fc.integer({ min: 33, max: 300 }), 300],
    ['groups that need wide digits', fc.integer({ min: 4090, max: 5000 }), 10],
  ])('prunes the same as a stable sort: %s', (_, size, numRuns) => {
    fc.assert(
      fc.property(cases(size), ({ groupSize, count, values, signs }) => {
        const signed = values.map((value) => (signs.next().value ? value : -value));
        const mask = new Uint8Array(values.length).fill(7);
        pruneSmallest(signed, groupSize, count, mask);
        expect(mask).toEqual(oracle(signed, groupSize, count));
      }),
      { numRuns },
    );
  });

  it('is exact on a million weights with many ties', () => {
    const values = Float32Array.from({ length: 1_000_000 }, (_, i) => ((i * 7919) % 1000) - 500);
    const mask = new Uint8Array(values.length);
    pruneSmallest(values, values.length, 333_333, mask);
    expect(Buffer.compare(mask, oracle(values, values.length, 333_333))).toBe(0);
  });
});
