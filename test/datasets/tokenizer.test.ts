import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSafetensorsHeader, readTensorBytes } from '../../checkpoints/index.js';
import { cutAllWindows, cutWindows, loadTokenizer, readText, MissingTokenizerError, UnsupportedTokenizerError } from '../../datasets/index.js';

const data = join('..', 'shared', 'data');

describe.skipIf(!existsSync(data))('with the shared data: golden tokens of the reference (skipped without it)', () => {
  it.each([
    ['stories260K', 'tiny.utf8', 256],
    ['babyllama-tok105', 'tiny.utf8', 128],
    ['tiny-opt', 'wiki.utf8', 128],
  ])('%s encodes %s as the reference did', async (model, text, sequenceLength) => {
    const tokenizer = await loadTokenizer(join(data, 'models', model));
    const ids = await tokenizer.encode(await readText({ file: join(data, 'text', text) }));
    const calibration = cutWindows(ids, { samples: 16, sequenceLength, sampling: 'sequential', seed: 0 });
    const evaluation = cutAllWindows(ids, { sequenceLength, skipTokens: 16 * sequenceLength, maxWindows: 64 });
    expect(calibration).toEqual(await goldenTokens(model, 'calibration'));
    expect(evaluation).toEqual(await goldenTokens(model, 'evaluation'));
  });

  it('knows the size of the vocabulary', async () => {
    expect((await loadTokenizer(join(data, 'models', 'stories260K'))).vocabularySize).toBe(512);
    expect((await loadTokenizer(join(data, 'models', 'tiny-opt'))).vocabularySize).toBe(1024);
  });
});

async function goldenTokens(model: string, name: string): Promise<Int32Array> {
  const info = (await readSafetensorsHeader(join(data, 'golden', model, 'tokens.safetensors'))).tensors.get(name);
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
