import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, UnsupportedTokenizerError } from '../../../files/datasets/index.js';

/** Tokenizers of every make, with the ids of the original library for Python (README.md there). */
const golden = join('test', 'golden', 'tokenizers');

interface Expected {
  tokenizer: string;
  /** Of each text; the library's message where it cannot encode a text. */
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

describe('tokens are those of the original library', () => {
  it('for 25 tokenizers and 15 texts at least', () => {
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

  it('bpe-dropout is refused: chance decides its tokens', async () => {
    await expect(loadTokenizer(join(folder, 'bpe-dropout'))).rejects.toThrow(/bpe-dropout.tokenizer\.json: model\.dropout is 0\.1, so/);
    await expect(loadTokenizer(join(folder, 'bpe-dropout'))).rejects.toBeInstanceOf(UnsupportedTokenizerError);
  });
});
