import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, type AsyncBuffer, type Compressors, type FileMetaData } from 'hyparquet';
import { DatasetFileError, InvalidRecordError, ParquetError } from './errors.js';

/** Codecs in addition to those built into hyparquet: uncompressed and Snappy. */
const compressors: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
};
const readableCodecs = ['UNCOMPRESSED', 'SNAPPY', ...Object.keys(compressors)];

/**
 * Reads a column of strings from a Parquet file.
 *
 * @throws DatasetFileError
 * @throws ParquetError if the file is damaged, has no such column, or uses an unsupported compression
 * @throws InvalidRecordError if the column has no string in a row
 */
export async function readParquetColumn(file: string, column: string): Promise<string[]> {
  const { buffer, metadata } = await openParquet(file);
  checkColumn(metadata, file, column);
  const rows = await mustParse(file, parquetReadObjects({ file: buffer, metadata, columns: [column], compressors }));
  return rows.map((row, i) => {
    const value: unknown = row[column];
    if (typeof value === 'string') return value;
    throw new InvalidRecordError({
      what: `column "${column}" has ${value === null || value === undefined ? 'no value' : `a ${typeof value}`} in row ${i + 1}`, where: file,
      expected: 'a string in every row', remedy: "Set the dataset's field to another column, or remove these rows",
    });
  });
}

/**
 * Reads the first rows of a Parquet file as objects, with the column names as keys.
 *
 * @throws DatasetFileError
 * @throws ParquetError if the file is damaged or uses an unsupported compression
 */
export async function readParquetRows(file: string, limit?: number): Promise<Record<string, unknown>[]> {
  const { buffer, metadata } = await openParquet(file);
  const names = metadata.row_groups.flatMap((group) => group.columns.map(({ meta_data }) => meta_data?.path_in_schema[0] ?? ''));
  for (const column of new Set(names)) checkColumn(metadata, file, column);
  return mustParse(file, parquetReadObjects({ file: buffer, metadata, compressors, ...(limit !== undefined && { rowEnd: Math.min(limit, Number(metadata.num_rows)) }) }));
}

async function openParquet(file: string): Promise<{ buffer: AsyncBuffer; metadata: FileMetaData }> {
  const buffer = await asyncBufferFromFile(file).catch((error: Error) => {
    throw new DatasetFileError(file, error);
  });
  return { buffer, metadata: await mustParse(file, parquetMetadataAsync(buffer)) };
}

async function mustParse<T>(file: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw new ParquetError(
      { what: `the file cannot be read as Parquet (${(error as Error).message})`, where: file, remedy: 'Get the file again' }, { cause: error });
  }
}

function checkColumn(metadata: FileMetaData, file: string, column: string): void {
  const columns = metadata.row_groups.flatMap((group) => group.columns.map(({ meta_data }) => meta_data));
  const names = [...new Set(columns.map((chunk) => chunk?.path_in_schema[0]))];
  if (metadata.num_rows > 0n && !names.includes(column)) {
    throw new ParquetError({
      what: `there is no column "${column}"; the columns are ${names.join(', ')}`, where: file, remedy: "Set the dataset's field to one of them",
    });
  }
  for (const chunk of columns) {
    if (chunk?.path_in_schema[0] === column && !readableCodecs.includes(chunk.codec)) {
      throw new ParquetError({
        what: `column "${column}" is compressed with ${chunk.codec}`, where: file, expected: `one of ${readableCodecs.join(', ')}`,
        remedy: 'Write the file again with Snappy compression',
      });
    }
  }
}
