import { constants } from 'node:buffer';
import { textFormat } from '../config/text-format.js';
import { InvalidRecordError, MeaninglessFieldError } from './errors.js';
import { jsonRecords, kindOf, type DatasetRecord } from './records.js';
import { readParquetColumn } from './parquet.js';
import { readUtf8, tooLarge } from './utf8-file.js';

/** Between two documents of a dataset. */
const separator = '\n\n';
const defaultField = 'text';

/**
 * The whole text of a dataset. The endings of the file's name say how it is read (`textFormat`): the documents of a JSON or Parquet
 * file in order with a blank line between them, any other file as it is. With `.gz` behind it, text and JSON are unpacked first.
 *
 * @throws DatasetFileError, InvalidUtf8Error, TextTooLargeError, InvalidRecordError, ParquetError
 * @throws MeaninglessFieldError where `field` is given for a file that has no fields
 */
export async function readText(dataset: { file: string; field?: string }): Promise<string> {
  const { file, field = defaultField } = dataset;
  switch (textFormat(file).documents) {
    case 'parquet': return join(await readParquetColumn(file, field), file);
    case 'json': return join(Array.from(jsonRecords(await readUtf8(file), file, `an object with a field "${field}"`), (record) => textOf(record, field)), file);
    case 'text':
      if (dataset.field !== undefined) throw new MeaninglessFieldError(file, field);
      return readUtf8(file);
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
  const found = value === undefined ? `no field "${field}"; its fields are ${Object.keys(values).join(', ')}` : `${kindOf(value)} in field "${field}"`;
  throw new InvalidRecordError({
    what: `there is ${found}`, where, expected: `text in field "${field}"`,
    remedy: value === undefined ? "Name the dataset's field" : 'Correct the record or remove it',
  });
}
