import { constants } from 'node:buffer';
import { textFormat, type TextFormat } from './text-format.js';
import { InvalidRecordError, MeaninglessFieldError } from './errors.js';
import { jsonRecords, kindOf, type DatasetRecord } from './records.js';
import { readParquetColumn } from './parquet.js';
import { readUtf8, tooLarge } from './utf8-file.js';

/** Between two documents of a dataset. */
const separator = '\n\n';
const defaultField = 'text';

/**
 * How the bytes of a file become text. The same bytes, read differently, give a different text, so all of this belongs in the key of
 * everything that is made from the text. A new way of reading must add a format, or a member that is set only where it is used.
 */
export type TextReading = TextFormat & { field?: string };

/** How {@link readText} reads a dataset, which depends on the file name's extensions. Plain text has no field. */
export function textReading({ file, field = defaultField }: { file: string; field?: string }): TextReading {
  const format = textFormat(file);
  return format.documents === 'text' ? format : { ...format, field };
}

/**
 * Reads the whole text of a dataset. The file name's extensions decide how (`textFormat`): the documents of a JSON or Parquet
 * file are joined by blank lines; any other file is read as it is. Text and JSON files that end in `.gz` are unpacked first.
 *
 * @throws DatasetFileError, InvalidUtf8Error, TextTooLargeError, InvalidRecordError, ParquetError
 * @throws MeaninglessFieldError if `field` is given for a file that has no fields
 */
export async function readText(dataset: { file: string; field?: string }): Promise<string> {
  const { file } = dataset;
  const { documents, field = defaultField } = textReading(dataset);
  switch (documents) {
    case 'parquet': return join(await readParquetColumn(file, field), file);
    case 'json': return join(Array.from(jsonRecords(await readUtf8(file), file, `an object with a field "${field}"`), (record) => textOf(record, field)), file);
    case 'text':
      if (dataset.field !== undefined) throw new MeaninglessFieldError(file, dataset.field);
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
  const found = value === undefined ? `the record has no field "${field}"; its fields are ${Object.keys(values).join(', ')}` : `the field "${field}" is ${kindOf(value)}`;
  throw new InvalidRecordError({
    what: found, where, expected: `text in field "${field}"`,
    remedy: value === undefined ? "Set the dataset's field to one of them" : 'Correct the record or remove it',
  });
}
