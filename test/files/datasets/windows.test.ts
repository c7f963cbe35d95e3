import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAllWindows, cutWindows, TooFewTokensError } from '../../../files/datasets/index.js';
import { splitMix64 } from '../../../files/datasets/random.js';

const stream = (length: number) => Int32Array.from({ length }, (_, i) => i);

describe('cutWindows', () => {
  it('takes the first windows after the tokens to skip', () => {
    const request = { samples: 2, sequenceLength: 3, sampling: 'sequential' as const, seed: 0 };
    expect(cutWindows(stream(10), request)).toEqual(Int32Array.of(0, 1, 2, 3, 4, 5));
    expect(cutWindows([...stream(10)], { ...request, skipTokens: 4 })).toEqual(Int32Array.of(4, 5, 6, 7, 8, 9));
  });

  it('reports how many tokens there were, how many are needed, and what would fit', () => {
    const cut = (length: number, samples: number, skipTokens = 0, sampling: 'sequential' | 'random' = 'sequential') => () =>
      cutWindows(stream(length), { samples, sequenceLength: 4, sampling, seed: 1, skipTokens });
    expect(cut(11, 3)).toThrow('the text has 11 tokens; expected 12 for 3 windows of 4; 2 windows of 4 would fit');
    expect(cut(11, 2, 4)).toThrow('the text has 11 tokens, 7 after the 4 skipped; expected 8 for 2 windows of 4; 1 window of 4 would fit');
    expect(cut(3, 9, 0, 'random')).toThrow('the text has 3 tokens; expected 4 for 1 window of 4; one window of 3 would fit');
    expect(cut(3, 1, 9)).toThrow('0 after the 9 skipped; expected 4 for 1 window of 4; no window would fit');
    expect(cut(0, 1)).toThrow(TooFewTokensError);
    expect(cut(12, 3)).not.toThrow();
    expect(cut(4, 9, 0, 'random')).not.toThrow();
  });

  it('takes random windows from the text after the skipped tokens, each a whole stretch of it', () => {
    fc.assert(fc.property(fc.integer(), fc.nat(20), fc.integer({ min: 1, max: 5 }), fc.nat(30), (seed, skipTokens, sequenceLength, spare) => {
      const ids = stream(skipTokens + sequenceLength + spare);
      const windows = cutWindows(ids, { samples: 6, sequenceLength, sampling: 'random', seed, skipTokens });
      expect(windows).toHaveLength(6 * sequenceLength);
      for (let i = 0; i < windows.length; i += sequenceLength) {
        expect(windows[i]).toBeGreaterThanOrEqual(skipTokens);
        expect(windows.subarray(i, i + sequenceLength)).toEqual(ids.subarray(windows[i], windows[i] + sequenceLength));
      }
    }));
  });

  it('starts random windows everywhere equally often', () => {
    const starts = cutWindows(stream(10), { samples: 70_000, sequenceLength: 4, sampling: 'random', seed: 7 }).filter((_, i) => i % 4 === 0);
    const counts = new Array<number>(7).fill(0);
    for (const start of starts) counts[start]++;
    // 10,000 are expected for each; the standard deviation is 93.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });

  it('always gives the same windows for a seed, and others for another seed', () => {
    const starts = (seed: number, samples = 5) => [...cutWindows(stream(1000), { samples, sequenceLength: 1, sampling: 'random', seed })];
    // floor(x * 1000 / 2^64) of the published numbers for this seed, see below.
    expect(starts(1234567)).toEqual([350, 173, 532, 249, 889]);
    expect(starts(1234567, 2)).toEqual([350, 173]);
    expect(starts(1)).not.toEqual(starts(0));
    expect(starts(-1)).not.toEqual(starts(1));
  });
});

it('splitMix64 gives the numbers published for it', () => {
  const numbers = splitMix64(1234567);
  expect(Array.from({ length: 5 }, () => numbers.next().value)).toEqual([
    6457827717110365317n, 3203168211198807973n, 9817491932198370423n, 4593380528125082431n, 16408922859458223821n,
  ]);
});

describe('cutAllWindows', () => {
  it('takes all whole windows, or the requested number', () => {
    expect(cutAllWindows(stream(11), { sequenceLength: 3, skipTokens: 1 })).toEqual(stream(11).subarray(1, 10));
    expect(cutAllWindows(stream(11), { sequenceLength: 3, skipTokens: 2 })).toEqual(stream(11).subarray(2, 11));
    expect(cutAllWindows(stream(11), { sequenceLength: 3, skipTokens: 0, maxWindows: 2 })).toEqual(stream(6));
    expect(cutAllWindows(stream(11), { sequenceLength: 3, skipTokens: 0, maxWindows: 99 })).toEqual(stream(9));
  });

  it('reports that no window fits', () => {
    expect(() => cutAllWindows(stream(11), { sequenceLength: 3, skipTokens: 9 })).toThrow('the text has 11 tokens, 2 after the 9 skipped; expected 3');
  });
});
