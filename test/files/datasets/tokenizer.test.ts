import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSafetensorsHeader, readTensorBytes } from '../../../files/checkpoints/index.js';
import { cutAllWindows, cutWindows, loadTokenizer, readText, InvalidTextError, MissingTokenizerError, UnsupportedTokenizerError } from '../../../files/datasets/index.js';
import { goldenModels, type GoldenModel } from '../../helpers/golden.js';

describe('golden tokens of the reference', () => {
  it.each(goldenModels)('$name encodes its texts like the reference', async (golden) => {
    const { model, calibration, evaluation, samples, sequenceLength } = golden;
    const { encode } = await loadTokenizer(model);
    const windows = cutWindows(await encode(await readText({ file: calibration })), { samples, sequenceLength, sampling: 'sequential', seed: 0 });
    expect(windows).toEqual(await goldenTokens(golden, 'calibration'));
    const skipTokens = evaluation === calibration ? samples * sequenceLength : 0;
    const scored = cutAllWindows(await encode(await readText({ file: evaluation })), { sequenceLength, skipTokens, maxWindows: 64 });
    expect(scored).toEqual(await goldenTokens(golden, 'evaluation'));
  });

  it.each(goldenModels)('$name has the vocabulary size of the model', async ({ model }) => {
    const { vocab_size } = JSON.parse(await readFile(join(model, 'config.json'), 'utf8')) as { vocab_size: number };
    expect((await loadTokenizer(model)).vocabularySize).toBe(vocab_size);
  });
});

async function goldenTokens({ data }: GoldenModel, name: string): Promise<Int32Array> {
  const info = (await readSafetensorsHeader(join(data, 'tokens.safetensors'))).tensors.get(name);
  if (info === undefined) throw new Error(`no ${name}`);
  const bytes = await readTensorBytes(info);
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** A tokenizer like LLaMA's: no pre-tokenizer, spaces as `▁`, and one <unk> for a run of unknown text. */
const small = {
  version: '1.0',
  added_tokens: [{ id: 0, content: '<unk>', special: true, normalized: false, single_word: false, lstrip: false, rstrip: false }],
  normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, { type: 'Replace', pattern: { String: ' ' }, content: '▁' }] },
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: {
    type: 'BPE', unk_token: '<unk>', fuse_unk: true, byte_fallback: false,
    vocab: { '<unk>': 0, '▁': 1, a: 2, b: 3, c: 4, ab: 5, '▁a': 6, abc: 7 },
    merges: ['a b', '▁ a', 'ab c'],
  },
};

describe('loadTokenizer', () => {
  let folder: string;
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'tokenizer-')); });
  afterEach(() => rm(folder, { recursive: true }));
  const save = (json: unknown) => writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));

  it('merges by rank, adds no special tokens, and makes one token of consecutive unknown text', async () => {
    const bos = { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<unk>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }], pair: [], special_tokens: { '<unk>': { id: '<unk>', ids: [0], tokens: ['<unk>'] } } };
    await save({ ...small, post_processor: bos });
    const { encode, vocabularySize } = await loadTokenizer(folder);
    // `▁abc xyz a`: the merge a b (rank 0) comes before ▁ a (rank 1), then ab c. x, y and z are unknown.
    expect(await encode('abc xyz a')).toEqual(Int32Array.of(1, 7, 1, 0, 6));
    expect(await encode('')).toEqual(new Int32Array(0));
    expect(vocabularySize).toBe(8);
  });

  it('lists the files that determine the tokens', async () => {
    await save(small);
    expect((await loadTokenizer(folder)).digestSource).toEqual([join(folder, 'tokenizer.json')]);
    await writeFile(join(folder, 'tokenizer_config.json'), '{}');
    expect((await loadTokenizer(folder)).digestSource).toEqual([join(folder, 'tokenizer.json'), join(folder, 'tokenizer_config.json')]);
  });

  it('says how to get a tokenizer.json', async () => {
    await expect(loadTokenizer(folder)).rejects.toThrow(/the folder has no tokenizer\.json\. Copy/);
    await expect(loadTokenizer(join(folder, 'absent'))).rejects.toThrow(MissingTokenizerError);
    await writeFile(join(folder, 'tokenizer.model'), '');
    await expect(loadTokenizer(folder)).rejects.toThrow(/the folder has no tokenizer\.json, only tokenizer\.model\. Convert it: python -c/);
    await expect(loadTokenizer(folder)).rejects.toBeInstanceOf(MissingTokenizerError);
  });

  it('names what it cannot reproduce exactly, and refuses it', async () => {
    await save({ ...small, normalizer: { type: 'Nonsense' } });
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: normalizer\.type "Nonsense" is not known to the tokenizers library 0\.23\. Get the file again/);
    await save({ ...small, pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Whitespace' }, { type: 'Later' }] } });
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: pre_tokenizer\.pretokenizers\[1\]\.type "Later" is not known/);
    await save({ ...small, pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'Sideways', invert: false } });
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: the tokenizers library cannot read it \(.+\)/);
    await save([]);
    await expect(loadTokenizer(folder)).rejects.toThrow(/is not a JSON object/);
    await save({ ...small, model: undefined });
    await expect(loadTokenizer(folder)).rejects.toBeInstanceOf(UnsupportedTokenizerError);
    await writeFile(join(folder, 'tokenizer.json'), '{"model": ');
    await expect(loadTokenizer(folder)).rejects.toThrow(/this is not JSON/);
  });

  it('reports text that has no token', async () => {
    await save({ ...small, model: { ...small.model, unk_token: '<absent>' } });
    const { encode } = await loadTokenizer(folder);
    expect(await encode('abc')).toEqual(Int32Array.of(1, 7));
    await expect(encode('xyz')).rejects.toThrow(/tokenizer\.json: the tokenizer cannot encode the text \(Unk token `<absent>` not found in the vocabulary\)/);
    await expect(encode('xyz')).rejects.toBeInstanceOf(UnsupportedTokenizerError);
  });

  it('refuses half a character, which Python refuses and the library would replace', async () => {
    await save(small);
    const { encode } = await loadTokenizer(folder);
    await expect(encode('abc \ud83d c')).rejects.toThrow(/the text has \\ud83d, which is half a character, after "abc "/);
    await expect(encode('\ude00')).rejects.toBeInstanceOf(InvalidTextError);
    expect(await encode('a😀')).toEqual(Int32Array.of(6, 0));
  });

  it('puts special tokens around a text once, wherever it is cut', async () => {
    const around = {
      type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }], pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [4, 4], tokens: ['<s>', '<s>'] }, '</s>': { id: '</s>', ids: [0], tokens: ['</s>'] } },
    };
    await save({ ...small, post_processor: around });
    const { encode } = await loadTokenizer(folder, { partLength: 1 });
    expect(await encode('a b abc', { specialTokens: true })).toEqual(Int32Array.of(4, 4, 6, 1, 3, 1, 7, 0));
    expect(await encode('a b abc')).toEqual(Int32Array.of(6, 1, 3, 1, 7));
    expect(await encode('', { specialTokens: true })).toEqual(Int32Array.of(4, 4, 0));
    await save({ ...small, post_processor: { ...around, single: [around.single[1], around.single[0], around.single[1]] } });
    const twice = await loadTokenizer(folder, { partLength: 1 });
    expect(await twice.encode('a b', { specialTokens: true })).toEqual(Int32Array.of(6, 1, 3, 4, 4, 6, 1, 3));
  });

  it.each(['unigram-words', 'unigram-whole'])('encodes a text of 1.3 MB with %s', async (name) => {
    await copyFile(join('test', 'golden', 'tokenizers', `${name}.json`), join(folder, 'tokenizer.json'));
    const { encode } = await loadTokenizer(folder);
    const sentence = ' The old miller walked to the village and sold three sacks of flour.';
    const once = await encode(sentence);
    const times = Math.ceil(1.3e6 / sentence.length);
    const ids = await encode(sentence.repeat(times));
    expect(ids.length).toBe(times * once.length);
    for (const at of [0, times >> 1, times - 1]) expect(ids.slice(at * once.length, (at + 1) * once.length)).toEqual(once);
  });

  it('reports that the library has no build for the machine', async () => {
    await save(small);
    vi.resetModules();
    vi.doMock('#setup/paths.mjs', async (original) => ({
      ...await original(),
      requirePackage: () => { throw new Error('Cannot find native binding'); },
    }));
    try {
      const fresh = await import('../../../files/datasets/index.js');
      await expect(fresh.loadTokenizer(folder)).rejects.toThrow(/the tokenizers library cannot be loaded on .*; expected Linux .*Run `npm run setup`/);
      await expect(fresh.loadTokenizer(folder)).rejects.toBeInstanceOf(fresh.TokenizerLibraryError);
    } finally {
      vi.doUnmock('#setup/paths.mjs');
    }
  });
});
