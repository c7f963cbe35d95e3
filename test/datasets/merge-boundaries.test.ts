import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutterAtMergeBoundaries } from '../../datasets/merge-boundaries.js';

/** Byte-pair encoding by its definition: the leftmost pair of the lowest rank is joined until there is none. */
function encode(text: string, merges: readonly (readonly [string, string])[]): string[] {
  const tokens = Array.from(text);
  for (;;) {
    const join = merges
      .map(([left, right]) => tokens.findIndex((token, i) => token === left && tokens[i + 1] === right))
      .find((at) => at >= 0);
    if (join === undefined) return tokens;
    tokens.splice(join, 2, tokens[join] + tokens[join + 1]);
  }
}

const letter = fc.constantFrom('a', 'b', '▁', '𝄞');
const text = fc.array(letter, { maxLength: 30 }).map((letters) => letters.join(''));

/** Merges as training makes them: each joins parts that single letters and earlier merges give. */
const merges = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }).map((choices) => {
  const parts = ['a', 'b', '▁', '𝄞'];
  return choices.map(([i, j]) => {
    const merge = [parts[i % parts.length], parts[j % parts.length]] as const;
    parts.push(merge[0] + merge[1]);
    return merge;
  });
});

describe('cutterAtMergeBoundaries', () => {
  it('gives pieces whose encodings together are that of the whole', () => {
    fc.assert(fc.property(text, merges, (whole, rules) => {
      const pieces = cutterAtMergeBoundaries(rules)(whole);
      expect(pieces.join('')).toBe(whole);
      expect(pieces.flatMap((piece) => encode(piece, rules))).toEqual(encode(whole, rules));
    }), { numRuns: 1000 });
  });

  it('cuts wherever it may, in both spellings of merges', () => {
    const text = '▁the▁cat▁▁sat';
    const pieces = ['▁th', 'e', '▁', 'c', 'at', '▁', '▁s', 'at'];
    expect(cutterAtMergeBoundaries(['t h', '▁ th', 'a t', '▁ s'])(text)).toEqual(pieces);
    expect(cutterAtMergeBoundaries([['t', 'h'], ['▁', 'th'], ['a', 't'], ['▁', 's']])(text)).toEqual(pieces);
  });

  it('never cuts within a character', () => {
    expect(cutterAtMergeBoundaries([])('a𝄞b')).toEqual(['a', '𝄞', 'b']);
  });
});
