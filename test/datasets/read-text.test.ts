import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DatasetFileError, InvalidRecordError, InvalidUtf8Error, ParquetError, readText,
} from '../../datasets/index.js';
import { gzipParquet, snappyParquet, zstdParquet } from './parquet-files.js';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'text-')); });
afterEach(() => rm(folder, { recursive: true }));

async function save(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

describe('readText of text files', () => {
  it('keeps every character', async () => {
    const text = 'Tab\t, CRLF\r\n, ü 猫 𝄞 and no end of line';
    expect(await readText({ file: await save('a.utf8', text) })).toBe(text);
    expect(await readText({ file: await save('a.anything', '') })).toBe('');
  });

  it('drops a byte order mark', async () => {
    expect(await readText({ file: await save('a.txt', '\ufeffText') })).toBe('Text');
  });

  it.each([
    ['a lone byte', [0x61, 0x62, 0xff, 0x63], 2],
    ['a sequence cut short by another character', [0x61, 0xef, 0xbf, 0x41], 1],
    ['a sequence cut short by the end', [0x61, 0x62, 0xe7, 0x8c], 2],
    ['a surrogate', [0xed, 0xa0, 0x80], 0],
    ['an overlong form', [0x61, 0xc0, 0xaf], 1],
    ['invalid bytes after a true U+FFFD', [0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xef], 3],
  ])('says at which byte it is not UTF-8: %s', async (_, bytes, offset) => {
    const file = await save('a.txt', Uint8Array.from(bytes));
    await expect(readText({ file })).rejects.toThrow(`${file}: byte ${offset} (0x${bytes[offset].toString(16)}) is not UTF-8`);
    await expect(readText({ file })).rejects.toBeInstanceOf(InvalidUtf8Error);
  });

  it('says which file is not there', async () => {
    for (const name of ['no.txt', 'no.jsonl', 'no.parquet']) {
      await expect(readText({ file: join(folder, name) })).rejects.toThrow(name);
      await expect(readText({ file: join(folder, name) })).rejects.toBeInstanceOf(DatasetFileError);
    }
  });
});

describe('readText of JSONL files', () => {
  it('puts a blank line between documents and skips blank lines', async () => {
    const file = await save('a.jsonl', '{"text": "one"}\r\n\n  \n{"text": "t\\nwo", "other": 1}\n{"text": ""}');
    expect(await readText({ file })).toBe('one\n\nt\nwo\n\n');
  });

  it('takes the field asked for', async () => {
    const file = await save('a.jsonl', '{"text": 1, "story": "once"}\n');
    expect(await readText({ file, field: 'story' })).toBe('once');
  });

  it.each([
    ['{"text": "a"}\n\n{"text": \n', undefined, ':3: this line is not JSON'],
    ['{"text": "a"}\n["text"]', undefined, ':2: this line is JSON but no object'],
    ['{"text": "a"}\n{"body": "b", "id": 1}', undefined, ':2: there is no field "text"; its fields are body, id'],
    ['{"text": 7}', undefined, ':1: there is number in field "text"'],
    ['{"text": "a"}', 'toString', ':1: there is no field "toString"'],
  ])('says in which line what is wrong: %j', async (content, field, message) => {
    const file = await save('a.jsonl', content);
    await expect(readText({ file, field })).rejects.toThrow(file + message);
    await expect(readText({ file, field })).rejects.toBeInstanceOf(InvalidRecordError);
  });
});

describe('readText of Parquet files', () => {
  const saveParquet = (base64: string) => save('a.parquet', Buffer.from(base64, 'base64'));

  it.each([['Snappy', snappyParquet], ['Gzip', gzipParquet]])('reads a column of all row groups, %s', async (_, base64) => {
    expect(await readText({ file: await saveParquet(base64) })).toBe('one\n\nzwei ü\n\nthree');
  });

  it('lists the columns where the one asked for is not there', async () => {
    const file = await saveParquet(snappyParquet);
    await expect(readText({ file, field: 'body' })).rejects.toThrow('there is no column "body"; the columns are text, n, gap');
  });

  it('says which row has no text', async () => {
    const file = await saveParquet(snappyParquet);
    await expect(readText({ file, field: 'gap' })).rejects.toThrow('column "gap" has no value in row 2');
    await expect(readText({ file, field: 'n' })).rejects.toThrow('column "n" has a number in row 1');
  });

  it('names a compression that it cannot undo', async () => {
    await expect(readText({ file: await saveParquet(zstdParquet) })).rejects.toThrow('column "text" is compressed with ZSTD');
  });

  it('reports a damaged file', async () => {
    const file = await save('a.parquet', Buffer.from(snappyParquet, 'base64').subarray(0, 500));
    await expect(readText({ file })).rejects.toBeInstanceOf(ParquetError);
    const text = await save('b.parquet', 'only text');
    await expect(readText({ file: text })).rejects.toBeInstanceOf(ParquetError);
  });
});
