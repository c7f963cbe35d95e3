import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamedDataset } from '../../../files/datasets/dataset-source.js';
import { namedCalibration, namedEvaluation, type NamedText } from '../../../files/datasets/index.js';
import { gzipLines } from '../../../files/datasets/json-lines.js';

let folder: string;
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'named-')); });
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

/** Numbers between spaces are tokens. Token 7 starts a text. What separates texts also gives tokens: -1 for a blank line, -2 for a space. */
const tokenizer: NamedText['tokenizer'] = {
  encode: (text, { specialTokens } = { specialTokens: false }) =>
    Promise.resolve(Int32Array.from([...(specialTokens ? [7] : []), ...Array.from(text.matchAll(/\d+|\n\n| (?=w)/g), ([found]) => (found === '\n\n' ? -1 : found === ' ' ? -2 : Number(found)))])),
};

/** Document i has (37 i) mod 200 tokens. Token p of it is 1000 i + p. */
const documents = Array.from({ length: 300 }, (_, i) => Array.from({ length: (i * 37) % 200 }, (_, p) => i * 1000 + p).join(','));

function jsonGz(name: string, texts: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, gzipSync(texts.map((text) => `${JSON.stringify({ text, url: 'u' })}\n`).join('')));
  return file;
}

function parquet(name: string, column: string, data: readonly string[]): string {
  const filename = join(folder, name);
  parquetWriteFile({ filename, columnData: [{ name: column, data: [...data], type: 'STRING' }] });
  return filename;
}

const named = (name: NamedDataset['name'], file: string, specialTokens = false): NamedText => ({ dataset: { name, revision: 'main', specialTokens }, file, tokenizer });
const firsts = (windows: Int32Array, length: number): number[] => Array.from({ length: windows.length / length }, (_, i) => windows[i * length]);
const random = (samples: number, sequenceLength: number, seed: number) => ({ samples, sequenceLength, seed, sampling: 'random' as const });

describe('calibration by name', () => {
  // Computed with CPython 3.11 and the loop of the published scripts, over documents of these lengths: the first token of each window.
  const drawn: [number, number[]][] = [
    [0, [215001, 248025, 155003, 183037, 258004, 48039, 128002, 37021, 286006, 161019, 226033, 31017, 47006, 124046, 166011, 32012, 290000, 63002, 280018, 227011, 162030, 96005, 16033, 243004]],
    [7, [37034, 48023, 259013, 123002, 63000, 31018, 113002, 285004, 286052, 297036, 96011, 280004, 254068, 232023, 124005, 253021, 37007, 215001, 285010, 254058, 47004, 242022, 31009, 145024]],
  ];
  it.each(drawn)('draws the same windows of c4 as the scripts with seed %i', async (seed, expected) => {
    const windows = await namedCalibration(named('c4', jsonGz('c4.json.gz', documents)), random(24, 128, seed));
    expect(firsts(windows, 128)).toEqual(expected);
    expect(windows[127]).toBe(expected[0] + 127);
  });

  it('counts the special token of each document of c4 as one of its tokens', async () => {
    // One document of 8 tokens, including the special one: windows of 7 can only begin with it.
    const file = jsonGz('one.json.gz', ['1,2,3,4,5,6,8']);
    expect([...(await namedCalibration(named('c4', file, true), random(2, 7, 0)))]).toEqual([7, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6]);
    await expect(namedCalibration(named('c4', file, false), random(2, 7, 0))).rejects.toMatchObject({ name: 'TooFewTokensError' });
  });

  it('draws windows of wikitext2 and ptb like the scripts', async () => {
    // Computed with CPython 3.11: random.seed(seed), eight randint(0, 5000 - 64 - 1).
    const places: [number, number[]][] = [[0, [3155, 3445, 331, 2121, 4188, 3980, 3317, 2484]], [7, [2652, 1235, 3234, 395, 593, 4389, 771, 2995]]];
    const lines = Array.from({ length: 500 }, (_, line) => Array.from({ length: 10 }, (_, p) => line * 10 + p).join(','));
    for (const [seed, expected] of places) {
      expect(firsts(await namedCalibration(named('wikitext2', parquet('train.parquet', 'text', lines)), random(8, 64, seed)), 64)).toEqual(expected);
      expect(firsts(await namedCalibration(named('ptb', parquet('ptb.parquet', 'sentence', lines)), random(8, 64, seed)), 64)).toEqual(expected);
    }
  });

  it('joins lines by a space, and puts the special token at the start', async () => {
    const file = parquet('lines.parquet', 'text', ['w1', 'w2', 'w3']);
    const request = { samples: 1, sequenceLength: 5, seed: 0, sampling: 'sequential' as const };
    expect([...(await namedCalibration(named('wikitext2', file, true), request))]).toEqual([7, 1, -2, 2, -2]);
  });

  it('reads no more of c4 than the first windows need', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `${i},${i},${i},${i}`);
    const file = jsonGz('long.json.gz', many);
    const whole = readFileSync(file).length;
    // The second half of the file is missing.
    truncateSync(file, Math.floor(whole / 2));
    const windows = await namedCalibration(named('c4', file), { samples: 4, sequenceLength: 10, seed: 0, sampling: 'sequential' });
    expect([...windows.subarray(0, 7)]).toEqual([0, 0, 0, 0, -1, 1, 1]);
    await expect(namedCalibration(named('c4', file), random(1, 3, 0))).rejects.toMatchObject({ name: 'DatasetFileError' });
  });
});

describe('perplexity by name', () => {
  it('takes the first 1,100 documents of c4 joined by spaces, and at most 256 windows', async () => {
    const file = jsonGz('val.json.gz', Array.from({ length: 1200 }, (_, i) => `w${i},${i},${i}`));
    const all = await namedEvaluation(named('c4', file, true), { sequenceLength: 4, skipTokens: 0, maxWindows: 10_000 });
    expect(all.length).toBe(256 * 4);
    expect([...all.subarray(0, 8)]).toEqual([7, 0, 0, 0, -2, 1, 1, 1]);
    // 1,100 documents are 1 + 4 * 1100 - 1 tokens.
    expect((await namedEvaluation(named('c4', file, true), { sequenceLength: 4400, skipTokens: 0 })).length).toBe(4400);
    await expect(namedEvaluation(named('c4', file, true), { sequenceLength: 4401, skipTokens: 0 })).rejects.toMatchObject({ name: 'TooFewTokensError' });
  });

  it('joins the lines of wikitext2 by blank lines and the sentences of ptb by spaces', async () => {
    const cut = { sequenceLength: 5, skipTokens: 0 };
    expect([...(await namedEvaluation(named('wikitext2', parquet('test.parquet', 'text', ['w1', 'w2', 'w3'])), cut))]).toEqual([1, -1, 2, -1, 3]);
    expect([...(await namedEvaluation(named('ptb', parquet('test2.parquet', 'sentence', ['w1', 'w2', 'w3'])), cut))]).toEqual([1, -2, 2, -2, 3]);
  });
});

describe('a file of compressed lines', () => {
  it('is split into whole lines wherever they are in it', async () => {
    const lines = ['a', 'ü'.repeat(3_000_000), '', 'last'];
    const file = join(folder, 'lines.gz');
    writeFileSync(file, gzipSync(lines.join('\n')));
    const found: string[] = [];
    for await (const line of gzipLines(file)) found.push(line.toString());
    expect(found).toEqual(['a', lines[1], 'last']);
  });

  it('is reported if it is not compressed', async () => {
    const file = join(folder, 'no.gz');
    writeFileSync(file, 'text');
    await expect(gzipLines(file).next()).rejects.toMatchObject({ name: 'DatasetFileError' });
    await expect(gzipLines(join(folder, 'absent.gz')).next()).rejects.toMatchObject({ name: 'DatasetFileError' });
    await expect(namedEvaluation(named('c4', jsonGz('no-text.json.gz', [])), { sequenceLength: 2, skipTokens: 0 })).rejects.toMatchObject({ name: 'TooFewTokensError' });
  });
});
