import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { cuttingOf, cutText } from '../../../files/datasets/cut-text.js';
import type { TokenizerJson } from '../../../files/datasets/tokenizer-file.js';

const golden = join('test', 'golden', 'tokenizers');
const read = async (name: string) => JSON.parse(await readFile(join(golden, `${name}.json`), 'utf8')) as TokenizerJson;
const names = (await readdir(golden)).filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
const [head] = (await readFile(join(golden, 'ids.jsonl'), 'utf8')).split('\n');
const { texts } = JSON.parse(head) as { texts: string[] };

/** Tokenizers for which a text may be cut. For all others texts are encoded in one piece. */
const cut: Record<string, 'kept' | 'dropped'> = {
  'bpe-gpt2': 'kept', 'bpe-opt': 'kept', 'bpe-smollm2': 'kept', 'bpe-llama3': 'kept', 'bpe-qwen2': 'kept', 'bpe-falcon': 'kept', 'bpe-batch-settings': 'kept', 'bpe-dropout': 'kept',
  'bpe-llama': 'dropped', 'bpe-mistral': 'kept', 'bpe-gemma': 'kept', 'bpe-fuse-unk': 'dropped', 'bpe-unk-each': 'kept', 'bpe-no-unk': 'kept',
  'bpe-prefix': 'kept', 'unigram-words': 'kept', 'unigram-nfkc': 'kept', 'wordpiece-bert': 'kept', 'wordpiece-accents': 'kept', 'wordlevel-whitespace': 'kept', 'wordlevel-no-unk': 'kept',
};

describe('cuttingOf', () => {
  it('allows cuts only where nothing is known to reach across them', async () => {
    const found = await Promise.all(names.map(async (name) => [name, cuttingOf(await read(name))] as const));
    expect(Object.fromEntries(found.filter(([, cutting]) => cutting !== undefined))).toEqual(cut);
  });

  it('allows none if an added token could touch a cut', async () => {
    const json = await read('bpe-gpt2');
    const withToken = (content: string, normalized?: boolean) => cuttingOf({ ...json, added_tokens: [{ content, normalized }] });
    for (const content of ['cat', 'a cat', ' ', '▁', '<a b>', 'é', ' x', 'Ⅳ', '\u0000', '\n']) expect(withToken(content), content).toBeUndefined();
    for (const content of ['cat', 'a cat', ' ', '<a b>', ' x']) expect(withToken(content, false), content).toBeUndefined();
    for (const content of ['<mask>', '<|im_start|>', '\n\n', '▁▁', '  ', '##']) expect(withToken(content), content).toBe('kept');
    for (const content of ['\n', '▁', 'é', '<mask>']) expect(withToken(content, false), content).toBe('kept');
  });

  it('allows none if a merge joins a letter with the space mark after it, or if the mark is not a token', async () => {
    const json = await read('bpe-llama');
    const { model } = json;
    expect(cuttingOf({ ...json, model: { ...model, merges: [...model.merges ?? [], ['a', '▁b']] } })).toBeUndefined();
    expect(cuttingOf({ ...json, model: { ...model, merges: ['e ▁'] } })).toBeUndefined();
    expect(cuttingOf({ ...json, model: { ...model, ignore_merges: true } })).toBeUndefined();
    expect(cuttingOf({ ...json, model: { ...model, vocab: { a: 0 } } })).toBeUndefined();
    expect(cuttingOf({ ...json, model: { ...model, type: 'Unigram' } })).toBeUndefined();
  });
});

describe('cutText', () => {
  it('cuts at single spaces between letters', () => {
    expect(cutText('one two  three 4 five, six seven', 'kept', 1)).toEqual(['one', ' two  three 4 five, six', ' seven']);
    expect(cutText('one two  three 4 five, six seven', 'dropped', 1)).toEqual(['one', 'two  three 4 five, six', 'seven']);
    expect(cutText('one two three four', 'kept', 8)).toEqual(['one two three', ' four']);
    expect(cutText('', 'kept', 8)).toEqual(['']);
    expect(cutText('12 34 56', 'kept', 1)).toEqual(['12 34 56']);
  });

  // bpe-dropout gives random tokens, and wordlevel-no-unk has none for these texts.
  const sure = Object.entries(cut).filter(([name]) => name !== 'bpe-dropout' && name !== 'wordlevel-no-unk');
  it.each(sure)('gives the same tokens for the parts as for the whole: %s', async (name, cutting) => {
    const tokenizer = Tokenizer.fromString(await readFile(join(golden, `${name}.json`), 'utf8'));
    tokenizer.disableTruncation();
    tokenizer.disablePadding();
    const encode = async (parts: string[]) => (await tokenizer.encodeBatch(parts, { addSpecialTokens: false })).flatMap((encoding) => encoding.getIds());
    // Every text in two orders, with and without words around it, so that there are cuts at all kinds of places.
    const whole = [...texts, ...texts.map((text) => `it's we${text}ll do x`).reverse(), texts.join(' a b '), texts.join('s ')].join(' the cat ');
    const ids = await encode([whole]);
    for (const length of [1, 7, 60, 500]) {
      const parts = cutText(whole, cutting, length);
      expect(parts.length).toBeGreaterThan(3);
      expect(await encode(parts)).toEqual(ids);
    }
  });
});
