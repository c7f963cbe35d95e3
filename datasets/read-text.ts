import { constants, isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { DatasetFileError, InvalidRecordError, InvalidUtf8Error, TextTooLargeError } from './errors.js';
import { readParquetColumn } from './parquet.js';

/** Between two documents of a dataset. */
const separator = '\n\n';
const defaultField = 'text';

/**
 * The whole text of a dataset: a `.jsonl` or `.parquet` file's documents in order, a blank line between them; any other file as it is.
 *
 * @throws DatasetFileError, InvalidUtf8Error, TextTooLargeError, InvalidRecordError, ParquetError
 */
export async function readText(dataset: { file: string; field?: string }): Promise<string> {
  const { file, field = defaultField } = dataset;
  switch (extname(file).toLowerCase()) {
    case '.parquet': return join(await readParquetColumn(file, field), file);
    case '.jsonl': return join(parseJsonLines(await readUtf8(file), file, field), file);
    default: return readUtf8(file);
  }
}

function join(documents: readonly string[], file: string): string {
  const length = documents.reduce((sum, document) => sum + document.length + separator.length, 0);
  if (length > constants.MAX_STRING_LENGTH) throw tooLarge(length, file);
  return documents.join(separator);
}

/** A UTF-8 file's text, less a byte order mark. */
async function readUtf8(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: Error) => {
    throw new DatasetFileError(file, error);
  });
  if (!isUtf8(bytes)) {
    const offset = firstInvalidByte(bytes);
    throw new InvalidUtf8Error({
      what: `byte ${offset} (0x${bytes[offset].toString(16).padStart(2, '0')}) is not UTF-8 text`, where: file,
      remedy: 'Convert the file to UTF-8; unpack it first if it is compressed',
    });
  }
  if (bytes.length > constants.MAX_STRING_LENGTH) throw tooLarge(bytes.length, file);
  return new TextDecoder().decode(bytes);
}

function tooLarge(length: number, file: string): TextTooLargeError {
  return new TextTooLargeError({
    what: `the text has ${length} characters`, where: file, expected: `at most ${constants.MAX_STRING_LENGTH}`,
    remedy: 'Use a part of it: calibration needs a few thousand tokens per window at most',
  });
}

/** Offset at which the first sequence that is not UTF-8 begins. */
function firstInvalidByte(bytes: Buffer): number {
  // Decoding puts U+FFFD where bytes are invalid, so the first difference lies within the first of those.
  const repaired = Buffer.from(bytes.toString('utf8'));
  let at = 0;
  while (bytes[at] === repaired[at]) at++;
  while ((repaired[at] & 0xc0) === 0x80) at--;
  return at;
}

function parseJsonLines(text: string, file: string, field: string): string[] {
  const documents: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    documents.push(textOf(parseLine(line, file, i + 1), field, `${file}:${i + 1}`));
  }
  return documents;
}

function parseLine(line: string, file: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new InvalidRecordError({
      what: `this line is not JSON (${(error as Error).message})`, where: `${file}:${number}`,
      expected: 'one JSON object a line', remedy: 'Mend or remove the line',
    }, { cause: error });
  }
}

function textOf(record: unknown, field: string, where: string): string {
  const isObject = typeof record === 'object' && record !== null && !Array.isArray(record);
  if (!isObject) {
    throw new InvalidRecordError({ what: 'this line is JSON but no object', where, expected: `an object with a field "${field}"` });
  }
  const value = Object.hasOwn(record, field) ? (record as Record<string, unknown>)[field] : undefined;
  if (typeof value === 'string') return value;
  const found = value === undefined ? `no field "${field}"; its fields are ${Object.keys(record).join(', ')}` : `${typeof value} in field "${field}"`;
  throw new InvalidRecordError({
    what: `there is ${found}`, where, expected: `text in field "${field}"`, remedy: "Name the dataset's field",
  });
}
