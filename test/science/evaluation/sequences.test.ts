import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchesOf, paddedLength, sequencesOf, type EncodedRequest, type Sequence } from '../../../science/evaluation/index.js';

const request = (input: number[], scored: number): EncodedRequest => ({ input: Int32Array.from(input), targets: Int32Array.from([...input.slice(input.length - scored + 1), 99].slice(-scored)) });
const always = () => 1;
const never = (tokens: number) => 2 ** tokens;

/** The tokens that the token at `row` of a sequence sees, including itself. */
function seenFrom({ tokens, shared, tails }: Sequence, row: number): number[] {
  if (row < shared) return [...tokens.subarray(0, row + 1)];
  let start = shared;
  for (const length of tails) {
    if (row < start + length) return [...tokens.subarray(0, shared), ...tokens.subarray(start, row + 1)];
    start += length;
  }
  throw new Error(`row ${row} is not in any sequence`);
}

const documents = fc.array(
  fc.record({ shared: fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }), tails: fc.array(fc.array(fc.nat(3), { maxLength: 5 }), { minLength: 1, maxLength: 4 }), scored: fc.integer({ min: 1, max: 3 }) })
    .map(({ shared, tails, scored }) => tails.map((tail) => request([...shared, ...tail], Math.min(scored, shared.length + tail.length)))),
  { minLength: 1, maxLength: 5 },
);

describe('sequencesOf', () => {
  it('shares the whole context between answers of one token', () => {
    const [sequence, ...others] = sequencesOf([request([5, 6, 7], 1), request([5, 6, 7], 1)], 0, never);
    expect(others).toEqual([]);
    expect([...sequence.tokens]).toEqual([5, 6, 7]);
    expect(sequence.tails).toEqual([]);
    expect(sequence.scored.map(({ request, row }) => [request, row])).toEqual([[0, 2], [1, 2]]);
  });

  it('runs a long context once, with short answers side by side', () => {
    const [sequence, ...others] = sequencesOf([request([1, 2, 3, 4], 2), request([1, 2, 3, 5, 6], 3)], 10, always);
    expect(others).toEqual([]);
    expect([...sequence.tokens]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([sequence.shared, sequence.tails]).toEqual([3, [1, 2]]);
    expect(sequence.scored).toEqual([
      { request: 10, row: 2, target: 4 }, { request: 10, row: 3, target: 99 },
      { request: 11, row: 2, target: 5 }, { request: 11, row: 4, target: 6 }, { request: 11, row: 5, target: 99 },
    ]);
  });

  it.each([['shared', always], ['apart', never]])('lets every scored token see what it would see alone (%s)', (_, cost) => {
    fc.assert(fc.property(documents, (all) => {
      let first = 0;
      for (const requests of all) {
        const sequences = sequencesOf(requests, first, cost);
        const scored = sequences.flatMap((sequence) => sequence.scored.map((one) => ({ ...one, sees: seenFrom(sequence, one.row) })));
        requests.forEach(({ input, targets }, index) => {
          const own = scored.filter((one) => one.request === first + index);
          expect(own.map(({ target }) => target)).toEqual([...targets]);
          own.forEach(({ sees }, k) => expect(sees).toEqual([...input.subarray(0, input.length - targets.length + k + 1)]));
        });
        first += requests.length;
      }
    }));
  });
});

describe('batchesOf', () => {
  it('puts every sequence into one batch, with padding on the right, marked tails and numbered rows', () => {
    fc.assert(fc.property(documents, fc.integer({ min: 1, max: 4 }), (all, most) => {
      let first = 0;
      const sequences = all.flatMap((requests) => sequencesOf(requests, (first += requests.length) - requests.length, always));
      const batches = batchesOf(sequences, { most: () => most, maxLength: 11 });
      const found = batches.flatMap(({ count, time, ids, tails, scored }) => Array.from({ length: count }, (_, index) => {
        const place = { from: index * time, to: (index + 1) * time };
        const marks = tails?.subarray(place.from, place.to);
        return { ids: ids.subarray(place.from, place.to), marks, scored: scored.filter(({ row }) => row >= place.from && row < place.to).map((one) => ({ ...one, row: one.row - place.from })) };
      }));
      expect(found).toHaveLength(sequences.length);
      for (const { tokens, shared, tails, scored } of sequences) {
        const match = found.find((one) => JSON.stringify(one.scored) === JSON.stringify(scored));
        expect([...(match?.ids ?? [])].slice(0, tokens.length)).toEqual([...tokens]);
        expect([...(match?.ids ?? [])].slice(tokens.length).every((id) => id === 0)).toBe(true);
        const marks = [...Array<number>(shared).fill(0), ...tails.flatMap((length, tail) => Array<number>(length).fill(tail + 1))];
        if (tails.length > 0) expect([...(match?.marks ?? [])].slice(0, tokens.length)).toEqual(marks);
      }
      expect(batches.every(({ count }) => count <= most)).toBe(true);
    }));
  });

  it('groups sequences of similar length, and pads none beyond what the model reads', () => {
    const plain = (length: number): Sequence => ({ tokens: new Int32Array(length).fill(1), shared: length, tails: [], scored: [] });
    const batches = batchesOf([20, 500, 490, 21, 430, 300].map(plain), { most: () => 64, maxLength: 500 });
    // A batch with few tokens also takes shorter sequences, so that these need no batch of their own.
    expect(batches.map(({ count, time }) => [count, time])).toEqual([[5, 500], [1, 24]]);
  });

  it('pads by less than an eighth, except for a few tokens', () => {
    for (let tokens = 1; tokens < 5000; tokens++) {
      expect(paddedLength(tokens)).toBeGreaterThanOrEqual(tokens);
      expect(paddedLength(tokens) - tokens).toBeLessThan(Math.max(8, tokens / 8));
    }
    expect(new Set(Array.from({ length: 2048 }, (_, i) => paddedLength(i + 1))).size).toBeLessThan(50);
  });
});
