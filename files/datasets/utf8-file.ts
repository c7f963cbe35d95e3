import { constants, isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { textFormat } from './text-format.js';
import { DatasetFileError, InvalidUtf8Error, TextTooLargeError } from './errors.js';
import { gunzip } from './gunzip.js';

/**
 * Reads the text of a UTF-8 file, without a byte order mark. A file whose name ends in `.gz` is unpacked.
 * @throws DatasetFileError, InvalidUtf8Error, TextTooLargeError
 */
export async function readUtf8(file: string): Promise<string> {
  const bytes = await (textFormat(file).gzip ? gunzipWhole(file) : readFile(file)).catch((error: Error) => {
    throw error instanceof TextTooLargeError ? error : new DatasetFileError(file, error);
  });
  if (!isUtf8(bytes)) {
    const offset = firstInvalidByte(bytes);
    throw new InvalidUtf8Error({
      what: `byte ${offset} (0x${bytes[offset].toString(16).padStart(2, '0')}) is not UTF-8 text`, where: file,
      remedy: bytes[0] === 0x1f && bytes[1] === 0x8b ? 'This is a gzip file: give it a name that ends in .gz' : 'Convert the file to UTF-8; unpack it first if it is compressed',
    });
  }
  if (bytes.length > constants.MAX_STRING_LENGTH) throw tooLarge(bytes.length, file);
  return new TextDecoder().decode(bytes);
}

export function tooLarge(length: number, file: string): TextTooLargeError {
  return new TextTooLargeError({
    what: `the text has ${length} characters`, where: file, expected: `at most ${constants.MAX_STRING_LENGTH}`,
    remedy: 'Use a part of it: calibration needs a few thousand tokens per window at most. `dataset: { name: c4 }` draws from such files without reading them whole',
  });
}

/** Unpacks a whole gzip file. @throws TextTooLargeError as soon as the content is longer than a string can be */
async function gunzipWhole(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of gunzip(file)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > constants.MAX_STRING_LENGTH) throw tooLarge(length, file);
  }
  return Buffer.concat(chunks);
}

/** Offset of the first invalid UTF-8 sequence. */
function firstInvalidByte(bytes: Buffer): number {
  // Decoding replaces invalid bytes by U+FFFD, so the first difference lies within the first replacement.
  const repaired = Buffer.from(bytes.toString('utf8'));
  let at = 0;
  while (bytes[at] === repaired[at]) at++;
  while ((repaired[at] & 0xc0) === 0x80) at--;
  return at;
}

