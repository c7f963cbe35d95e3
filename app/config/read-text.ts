import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { PipelineFileError } from './errors.js';
import type { PipelineProblem } from './errors.js';

/** Far above any pipeline, and far below a size that slows the parser down. */
export const maxBytes = 1_000_000;

/**
 * Reads the text of a pipeline file.
 * @throws PipelineFileError if it cannot be read, is not UTF-8 or is over 1 MB
 */
export function readText(path: string): string {
  let bytes: Buffer;
  try {
    const handle = openSync(path, 'r');
    try {
      const { size } = fstatSync(handle);
      if (size > maxBytes) throw tooLarge(path, size);
      bytes = readAtMost(handle, maxBytes + 1);
      if (bytes.length > maxBytes) throw tooLarge(path, bytes.length);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (error instanceof PipelineFileError) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'this is a folder' : `cannot be read (${code})`;
    throw new PipelineFileError(path, [{ line: 0, column: 0, message: `${what}; expected a pipeline file. Check the path.` }]);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new PipelineFileError(path, [notUtf8(bytes)]);
  }
}

/** Reads up to `limit` bytes, because a pipe or device does not report its length. */
function readAtMost(handle: number, limit: number): Buffer {
  const bytes = Buffer.alloc(limit);
  let filled = 0;
  while (filled < limit) {
    const read = readSync(handle, bytes, filled, limit - filled, null);
    if (read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

/** The error for a file that can only be given by mistake. */
export function tooLarge(path: string, bytes: number): PipelineFileError {
  return new PipelineFileError(path, [{ line: 1, column: 1, message: `${bytes} bytes; expected a pipeline file of at most ${maxBytes}. Check that this is the right file.` }]);
}

/**
 * Finds the first byte that is not UTF-8. No multi-byte character contains the byte of a line end, so each line can be decoded on its own.
 */
function notUtf8(bytes: Buffer): PipelineProblem {
  const replacement = '\uFFFD';
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const chunk = bytes.subarray(start, end < 0 ? bytes.length : end);
    const text = chunk.toString('utf8');
    if (!Buffer.from(text).equals(chunk)) {
      return { line, column: text.indexOf(replacement) + 1, message: 'a byte that is not UTF-8 text; expected UTF-8. Save the file in that encoding.' };
    }
    line += 1;
    start = end + 1;
  }
}
