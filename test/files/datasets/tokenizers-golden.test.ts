import { readFileSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, UnsupportedTokenizerError } from '../../../files/datasets/index.js';

/** Tokenizers of every kind, with the ids from the original Python library (see the README.md there). */
const golden = join('test', 'golden', 'tokenizers');

interface Expected {
  tokenizer: string;
  /** For each text, its ids, or the library's message if it cannot encode the text. */
  plain: (number[] | { error: string })[];
  special: number[] | { error: string };
}

const [head, ...lines] = (await readFile(join(golden, 'ids.jsonl'), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);
const { texts, withSpecialTokens } = head as { texts: string[]; withSpecialTokens: number };
const expected = lines as Expected[];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizers-'));
  for (const file of await readdir(golden)) {
    if (!file.endsWith('.json')) continue;
    const model = join(folder, file.slice(0, -'.json'.length));
    await mkdir(model);
    await copyFile(join(golden, file), join(model, 'tokenizer.json'));
  }
});
afterAll(() => rm(folder, { recursive: true }));

describe('tokens match the original library', () => {
  it('for at least 25 tokenizers and 15 texts', () => {
    expect(expected.length).toBeGreaterThanOrEqual(25);
    expect(texts.length).toBeGreaterThanOrEqual(15);
  });

  it.each(expected.map(({ tokenizer }) => tokenizer))('%s', async (name) => {
    const { plain, special } = expected.find(({ tokenizer }) => tokenizer === name)!;
    const { encode } = await loadTokenizer(join(folder, name));
    const found = async (text: string, specialTokens: boolean) => {
      try {
        return [...await encode(text, { specialTokens })];
      } catch (error) {
        expect(error).toBeInstanceOf(UnsupportedTokenizerError);
        return { error: /\((.*)\)/s.exec((error as Error).message)?.[1] };
      }
    };
    for (const [i, text] of texts.entries()) expect(await found(text, false), JSON.stringify(text)).toEqual(plain[i]);
    expect(await found(texts[withSpecialTokens], true)).toEqual(special);
  });

  it('except for bpe-dropout, which is refused because its tokens are random', async () => {
    await expect(loadTokenizer(join(folder, 'bpe-dropout'))).rejects.toThrow(/bpe-dropout.tokenizer\.json: model\.dropout is 0\.1, so/);
    await expect(loadTokenizer(join(folder, 'bpe-dropout'))).rejects.toBeInstanceOf(UnsupportedTokenizerError);
  });
});

describe('the files of an OPT repository, without tokenizer.json', () => {
  const opt = join(golden, 'opt-files');
  const lines = readFileSync(join(opt, 'ids.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { text: string; plain: number[]; special: number[] });

  it('give the tokens of transformers', async () => {
    const { encode, special, vocabularySize } = await loadTokenizer(opt);
    for (const { text, plain, special: withSpecial } of lines) {
      expect([...await encode(text)], JSON.stringify(text)).toEqual(plain);
      expect([...await encode(text, { specialTokens: true })], JSON.stringify(text)).toEqual(withSpecial);
    }
    expect(special).toEqual({ bos: 2, eos: 2 });
    expect(vocabularySize).toBe(430);
  });

  it('determine the tokens, all four of them', async () => {
    const { digestSource } = await loadTokenizer(opt);
    expect(digestSource.map((file) => basename(file)).sort()).toEqual(['merges.txt', 'special_tokens_map.json', 'tokenizer_config.json', 'vocab.json']);
  });

  it('are refused if they belong to another tokenizer, or lack a special token', async () => {
    const other = join(folder, 'other');
    await cp(opt, other, { recursive: true });
    const config = JSON.parse(await readFile(join(opt, 'tokenizer_config.json'), 'utf8')) as object;
    await writeFile(join(other, 'tokenizer_config.json'), JSON.stringify({ ...config, tokenizer_class: 'BlenderbotTokenizer' }));
    await expect(loadTokenizer(other)).rejects.toThrow(/the folder has no tokenizer\.json, only vocab\.json/);
    await writeFile(join(other, 'tokenizer_config.json'), JSON.stringify({ ...config, pad_token: '<none>' }));
    await expect(loadTokenizer(other)).rejects.toThrow(/vocab\.json: a special token is not in the vocabulary/);
  });
});
