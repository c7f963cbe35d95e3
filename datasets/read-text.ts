import { constants } from 'node:buffer';
import { extname } from 'node:path';
import { InvalidRecordError } from './errors.js';
import { jsonLines, type DatasetRecord } from './records.js';
import { readParquetColumn } from './parquet.js';
import { readUtf8, tooLarge } from './utf8-file.js';

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
    case '.jsonl': return join([...jsonLines(await readUtf8(file), file, `an object with a field "${field}"`)].map((record) => textOf(record, field)), file);
    default: return readUtf8(file);
  }
}

function join(documents: readonly string[], file: string): string {
  const length = documents.reduce((sum, document) => sum + document.length + separator.length, 0);
  if (length > constants.MAX_STRING_LENGTH) throw tooLarge(length, file);
  return documents.join(separator);
}

function textOf({ values, where }: DatasetRecord, field: string): string {
  const value = Object.hasOwn(values, field) ? values[field] : undefined;
  if (typeof value === 'string') return value;
  const found = value === undefined ? `no field "${field}"; its fields are ${Object.keys(values).join(', ')}` : `${typeof value} in field "${field}"`;
  throw new InvalidRecordError({
    what: `there is ${found}`, where, expected: `text in field "${field}"`, remedy: "Name the dataset's field",
  });
}
