import { describe, expect, it } from 'vitest';
import { ContinuationError, requestEncoder } from '../../../science/evaluation/index.js';

/** As in byte-pair encodings, tokens are words with the space before them, and remaining spaces. */
const words: string[] = [];
function encode(text: string): Promise<Int32Array> {
  return Promise.resolve(Int32Array.from(text.match(/ ?[^ ]+| /g) ?? [], (word) => {
    if (!words.includes(word)) words.push(word);
    return 10 + words.indexOf(word);
  }));
}
const decode = (ids: Int32Array): string[] => Array.from(ids, (id) => words[id - 10] ?? `#${id}`);
const encoder = (options: { maxLength?: number; bos?: number; prefix?: number } = {}) => {
  const request = requestEncoder({ encode, maxLength: 100, ...options });
  return async (context: string, continuation: string) => {
    const { input, targets } = await request({ context, continuation });
    return { input: decode(input), targets: decode(targets) };
  };
};

describe('requestEncoder', () => {
  it('reads all but the last token, and scores those after the context', async () => {
    expect(await encoder()('the cat', ' sat down')).toEqual({ input: ['the', ' cat', ' sat'], targets: [' sat', ' down'] });
  });

  it('moves spaces at the end of the context to the continuation', async () => {
    expect(await encoder()('the cat ', 'sat')).toEqual({ input: ['the', ' cat'], targets: [' sat'] });
    expect(await encoder()('the cat \u00a0\n', 'sat')).toEqual({ input: ['the', ' cat'], targets: [' \u00a0\nsat'] });
  });

  it('takes the length of the context alone, even if the whole text is tokenized differently there', async () => {
    // In the whole text "catalogue" is one token, so only what follows it is left of the answer.
    expect(await encoder()('the cat', 'alogue of books')).toEqual({ input: ['the', ' catalogue', ' of'], targets: [' of', ' books'] });
  });

  it('drops tokens on the left if a text is too long, keeping one more than the model reads', async () => {
    expect(await encoder({ maxLength: 3 })('a b c d', ' e')).toEqual({ input: [' b', ' c', ' d'], targets: [' e'] });
    expect(await encoder({ maxLength: 3 })('a b', ' c d')).toEqual({ input: ['a', ' b', ' c'], targets: [' c', ' d'] });
    expect(await encoder({ maxLength: 3 })('a b', ' c d e')).toEqual({ input: [' b', ' c', ' d'], targets: [' c', ' d', ' e'] });
  });

  it('puts BOS first only on request, and counts it', async () => {
    expect(await encoder({ bos: 1 })('the cat', ' sat')).toEqual({ input: ['#1', 'the', ' cat'], targets: [' sat'] });
    expect(await encoder({ bos: 1, maxLength: 2 })('the cat', ' sat')).toEqual({ input: ['the', ' cat'], targets: [' sat'] });
  });

  it('puts a token before a text without context', async () => {
    expect(await encoder({ prefix: 2 })('', 'sat')).toEqual({ input: ['#2'], targets: ['sat'] });
    expect(await encoder({ bos: 1, prefix: 1 })('', 'sat')).toEqual({ input: ['#1'], targets: ['sat'] });
    await expect(encoder()('', 'sat')).rejects.toThrow(ContinuationError);
  });

  it('names and refuses what cannot be scored', async () => {
    await expect(encoder()('the cat', '')).rejects.toThrow(/the continuation "" has no token of its own/);
    await expect(encoder({ maxLength: 2 })('a', ' b c d')).rejects.toThrow(/" b c d" has 3 tokens; expected at most 2/);
  });
});
