import { constants, isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { DatasetFileError, InvalidUtf8Error, TextTooLargeError } from './errors.js';

/** A UTF-8 file's text, less a byte order mark. */
export async function readUtf8(file: string): Promise<string> {
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

export function tooLarge(length: number, file: string): TextTooLargeError {
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

