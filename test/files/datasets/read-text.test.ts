import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DatasetFileError, InvalidRecordError, InvalidUtf8Error, MeaninglessFieldError, ParquetError, readText,
} from '../../../files/datasets/index.js';
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

  it('removes a byte order mark', async () => {
    expect(await readText({ file: await save('a.txt', '\ufeffText') })).toBe('Text');
  });

  it.each([
    ['a lone byte', [0x61, 0x62, 0xff, 0x63], 2],
    ['a sequence cut short by another character', [0x61, 0xef, 0xbf, 0x41], 1],
    ['a sequence cut short by the end', [0x61, 0x62, 0xe7, 0x8c], 2],
    ['a surrogate', [0xed, 0xa0, 0x80], 0],
    ['an overlong form', [0x61, 0xc0, 0xaf], 1],
    ['invalid bytes after a true U+FFFD', [0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xef], 3],
  ])('reports the first byte that is not UTF-8: %s', async (_, bytes, offset) => {
    const file = await save('a.txt', Uint8Array.from(bytes));
    await expect(readText({ file })).rejects.toThrow(`${file}: byte ${offset} (0x${bytes[offset].toString(16)}) is not UTF-8`);
    await expect(readText({ file })).rejects.toBeInstanceOf(InvalidUtf8Error);
  });

  it('names the missing file', async () => {
    for (const name of ['no.txt', 'no.jsonl', 'no.parquet']) {
      await expect(readText({ file: join(folder, name) })).rejects.toThrow(name);
      await expect(readText({ file: join(folder, name) })).rejects.toBeInstanceOf(DatasetFileError);
    }
  });
});

describe('readText of JSONL files', () => {
  it('puts a blank line between documents, and skips blank lines', async () => {
    const file = await save('a.jsonl', '{"text": "one"}\r\n\n  \n{"text": "t\\nwo", "other": 1}\n{"text": ""}');
    expect(await readText({ file })).toBe('one\n\nt\nwo\n\n');
  });

  it('reads the given field', async () => {
    const file = await save('a.jsonl', '{"text": 1, "story": "once"}\n');
    expect(await readText({ file, field: 'story' })).toBe('once');
  });

  it.each([
    ['{"text": "a"}\n\n{"text": \n', undefined, ':3: this line is not JSON'],
    ['{"text": "a"}\n["text"]', undefined, ':2: this line is JSON, but not an object: a list'],
    ['{"text": "a"}\n{"body": "b", "id": 1}', undefined, ':2: the record has no field "text"; its fields are body, id'],
    ['{"text": 7}', undefined, ':1: the field "text" is a number; expected text in field "text". Correct the record or remove it'],
    ['{"text": "a"}\n{"text": null}', undefined, ':2: the field "text" is null'],
    ['{"text": ["a"]}', undefined, ':1: the field "text" is a list'],
    ['{"text": {}}', undefined, ':1: the field "text" is an object'],
    ['{"text": "a"}', 'toString', ':1: the record has no field "toString"'],
  ])('reports the line of an error: %j', async (content, field, message) => {
    const file = await save('a.jsonl', content);
    await expect(readText({ file, field })).rejects.toThrow(file + message);
    await expect(readText({ file, field })).rejects.toBeInstanceOf(InvalidRecordError);
  });
});

describe('readText by name and content', () => {
  const documents = [{ text: 'one', title: 'first' }, { text: 't\nwo {', title: 'second' }];
  const lines = documents.map((document) => JSON.stringify(document)).join('\n');
  const array = JSON.stringify(documents, null, 2);

  it.each([
    ['lines.jsonl', lines], ['lines.ndjson', lines], ['lines.json', lines], ['LINES.JSON', `\ufeff${lines}`],
    ['array.json', array], ['array.jsonl', `\n ${array}`], ['array.ndjson', JSON.stringify(documents)],
  ])('reads the documents of %s, also compressed', async (name, content) => {
    expect(await readText({ file: await save(name, content) })).toBe('one\n\nt\nwo {');
    const packed = await save(`${name}.gz`, gzipSync(content));
    expect(await readText({ file: packed })).toBe('one\n\nt\nwo {');
    expect(await readText({ file: packed, field: 'title' })).toBe('first\n\nsecond');
  });

  it("reads a shard of C4 under the hub's own name", async () => {
    const record = (text: string) => JSON.stringify({ text, timestamp: '2019-04-25T12:57:54Z', url: 'https://example.org/' });
    const file = await save('c4-train.00000-of-01024.json.gz', gzipSync(`${record('A page.')}\n${record('Another.')}\n`));
    expect(await readText({ file })).toBe('A page.\n\nAnother.');
  });

  it('decompresses text, and reports a compressed file that has another name or is damaged', async () => {
    expect(await readText({ file: await save('a.txt.gz', gzipSync('plain')) })).toBe('plain');
    await expect(readText({ file: await save('a.txt', gzipSync('plain')) })).rejects.toThrow('This is a gzip file: give it a name that ends in .gz');
    const cut = await save('b.jsonl.gz', gzipSync(lines).subarray(0, 20));
    await expect(readText({ file: cut })).rejects.toThrow(`${cut}: the file cannot be read`);
    await expect(readText({ file: cut })).rejects.toBeInstanceOf(DatasetFileError);
  });

  it.each([
    ['[{"text": "a"}, 7]', ', item 2: this item is JSON, but not an object: a number'],
    ['[{"text": "a"}, {"text": null}]', ', item 2: the field "text" is null'],
    ['[{"text": "a"}', ': the file starts like a JSON array, but is not valid JSON'],
    ['{\n  "text": "a"\n}', ':1: the file is a single JSON object that spans several lines; expected one JSON object per line, or an array of objects'],
    ['only text', ':1: this line is not JSON'],
  ])('reports the error in the JSON file %j', async (content, message) => {
    const file = await save('a.json', content);
    await expect(readText({ file })).rejects.toThrow(file + message);
    await expect(readText({ file })).rejects.toBeInstanceOf(InvalidRecordError);
  });

  it('refuses a field of plain text', async () => {
    const file = await save('a.txt', lines);
    await expect(readText({ file, field: 'text' })).rejects.toThrow(`${file}: field "text" is given, but the file is read as plain text`);
    await expect(readText({ file, field: 'text' })).rejects.toBeInstanceOf(MeaninglessFieldError);
  });
});

describe('readText of Parquet files', () => {
  const saveParquet = (base64: string) => save('a.parquet', Buffer.from(base64, 'base64'));

  it.each([['Snappy', snappyParquet], ['Gzip', gzipParquet]])('reads a column of all row groups, %s', async (_, base64) => {
    expect(await readText({ file: await saveParquet(base64) })).toBe('one\n\nzwei ü\n\nthree');
  });

  it('lists the columns if the given one is missing', async () => {
    const file = await saveParquet(snappyParquet);
    await expect(readText({ file, field: 'body' })).rejects.toThrow('there is no column "body"; the columns are text, n, gap');
  });

  it('reports the row that has no text', async () => {
    const file = await saveParquet(snappyParquet);
    await expect(readText({ file, field: 'gap' })).rejects.toThrow('column "gap" has no value in row 2');
    await expect(readText({ file, field: 'n' })).rejects.toThrow('column "n" has a number in row 1');
  });

  it('names a compression that it does not support', async () => {
    await expect(readText({ file: await saveParquet(zstdParquet) })).rejects.toThrow('column "text" is compressed with ZSTD');
  });

  it('reports a damaged file', async () => {
    const file = await save('a.parquet', Buffer.from(snappyParquet, 'base64').subarray(0, 500));
    await expect(readText({ file })).rejects.toBeInstanceOf(ParquetError);
    const text = await save('b.parquet', 'only text');
    await expect(readText({ file: text })).rejects.toBeInstanceOf(ParquetError);
  });
});
