import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSafetensorsHeader, readTensorBytes } from '../../checkpoints/index.js';
import { cutAllWindows, cutWindows, loadTokenizer, readText, MissingTokenizerError, UnsupportedTokenizerError } from '../../datasets/index.js';
import { goldenModels, type GoldenModel } from '../helpers/golden.js';

describe('golden tokens of the reference', () => {
  it.each(goldenModels)('$name encodes its texts as the reference did', async (golden) => {
    const { model, calibration, evaluation, samples, sequenceLength } = golden;
    const { encode } = await loadTokenizer(model);
    const windows = cutWindows(await encode(await readText({ file: calibration })), { samples, sequenceLength, sampling: 'sequential', seed: 0 });
    expect(windows).toEqual(await goldenTokens(golden, 'calibration'));
    const skipTokens = evaluation === calibration ? samples * sequenceLength : 0;
    const scored = cutAllWindows(await encode(await readText({ file: evaluation })), { sequenceLength, skipTokens, maxWindows: 64 });
    expect(scored).toEqual(await goldenTokens(golden, 'evaluation'));
  });

  it.each(goldenModels)('$name: the size of the vocabulary is that of the model', async ({ model }) => {
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

/** A tokenizer of LLaMA's kind: no words, spaces as `▁`, unknown text as <unk>, once for a run of it. */
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

  it('merges by rank, adds no special tokens, and makes one token of a run of unknown text', async () => {
    const bos = { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<unk>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }], pair: [], special_tokens: { '<unk>': { id: '<unk>', ids: [0], tokens: ['<unk>'] } } };
    await save({ ...small, post_processor: bos });
    const { encode, vocabularySize } = await loadTokenizer(folder);
    // `▁abc xyz a`: a b (rank 0) goes before ▁ a (rank 1), then ab c; x, y and z are unknown.
    expect(await encode('abc xyz a')).toEqual(Int32Array.of(1, 7, 1, 0, 6));
    expect(await encode('')).toEqual(new Int32Array(0));
    expect(vocabularySize).toBe(8);
  });

  it('names the files that decide the tokens', async () => {
    await save(small);
    expect((await loadTokenizer(folder)).digestSource).toEqual([join(folder, 'tokenizer.json')]);
    await writeFile(join(folder, 'tokenizer_config.json'), '{}');
    expect((await loadTokenizer(folder)).digestSource).toEqual([join(folder, 'tokenizer.json'), join(folder, 'tokenizer_config.json')]);
  });

  it('says how to get a tokenizer.json', async () => {
    await expect(loadTokenizer(folder)).rejects.toThrow(/there is no tokenizer\.json\. Copy/);
    await expect(loadTokenizer(join(folder, 'absent'))).rejects.toThrow(MissingTokenizerError);
    await writeFile(join(folder, 'tokenizer.model'), '');
    await expect(loadTokenizer(folder)).rejects.toThrow(/there is no tokenizer\.json, only tokenizer\.model\. Convert it: python -c/);
    await expect(loadTokenizer(folder)).rejects.toBeInstanceOf(MissingTokenizerError);
  });

  it('refuses what it cannot do exactly', async () => {
    await save({ ...small, normalizer: { type: 'Nonsense' } });
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: the tokenizer cannot be used \(Unknown Normalizer type: Nonsense\)/);
    await save({ ...small, pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithNext', invert: false }] } });
    await expect(loadTokenizer(folder)).rejects.toThrow(/splits with behaviour MergedWithNext/);
    await save([]);
    await expect(loadTokenizer(folder)).rejects.toThrow(/is not a JSON object/);
    await save({ ...small, model: undefined });
    await expect(loadTokenizer(folder)).rejects.toBeInstanceOf(UnsupportedTokenizerError);
    await writeFile(join(folder, 'tokenizer.json'), '{"model": ');
    await expect(loadTokenizer(folder)).rejects.toThrow(/this is not JSON/);
  });

  it('reports text for which there is no token at all', async () => {
    await save({ ...small, model: { ...small.model, unk_token: '<absent>' } });
    const { encode } = await loadTokenizer(folder);
    expect(await encode('abc')).toEqual(Int32Array.of(1, 7));
    expect(() => encode('xyz')).toThrow(/not in the vocabulary/);
  });
});
