import { DatasetFileError, InvalidRecordError, InvalidUtf8Error } from './errors.js';
import { gunzip } from './gunzip.js';

/** Maximum bytes of a line. A web document has about a megabyte at most. */
const longestLine = 1 << 28;

/**
 * Yields the non-empty lines of a `.json.gz` (or `.jsonl.gz`) file during decompression. A caller that stops early does not read the rest.
 * @throws DatasetFileError if the file cannot be read or is not a gzip file
 */
export async function* gzipLines(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of gunzip(file)) {
      let begin = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
        const line = Buffer.concat([...rest, chunk.subarray(begin, end)]);
        rest = [];
        length = 0;
        begin = end + 1;
        if (line.length > 0) yield line;
      }
      rest.push(chunk.subarray(begin));
      length += chunk.length - begin;
      if (length > longestLine) throw new InvalidRecordError({ what: `a line has more than ${longestLine} bytes`, where: file, expected: 'one JSON object per line', remedy: 'Get the file again' });
    }
    const last = Buffer.concat(rest);
    if (last.length > 0) yield last;
  } catch (error) {
    if (error instanceof InvalidRecordError) throw error;
    throw new DatasetFileError(file, error as Error);
  }
}

/** Returns the text in a field of a line. @throws InvalidRecordError, InvalidUtf8Error */
export function textOfLine(line: Buffer, field: string, where: string): string {
  let value: unknown;
  try {
    value = (JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line)) as Record<string, unknown> | null)?.[field];
  } catch (error) {
    if (error instanceof TypeError) throw new InvalidUtf8Error({ what: 'a line is not UTF-8 text', where, remedy: 'Get the file again' });
    throw new InvalidRecordError({ what: `this line is not JSON (${(error as Error).message})`, where, expected: 'one JSON object per line', remedy: 'Get the file again' }, { cause: error });
  }
  if (typeof value === 'string') return value;
  throw new InvalidRecordError({ what: `there is no text in field "${field}"`, where, remedy: 'Get the file again' });
}
