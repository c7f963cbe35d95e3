import { readChecked } from './checked-document.js';
import { PipelineFileError } from './errors.js';
import type { Lock } from './lock.js';
import { located } from './located.js';
import { lockFile } from './schema.js';

/**
 * Reads and checks a lock.
 * @throws PipelineFileError with every problem found
 */
export function loadLock(path: string): Lock {
  const { file, data, document } = readChecked<Lock>(path, lockFile);
  if (data.version === 1 || data.engine.kernels === undefined) {
    const message = 'this lock does not say which instruction set (or GPU driver and libraries) it was made with, because an older version of this package wrote it, '
      + 'so the same bits cannot be promised. Run once without --locked, compare the new pipeline.lock.yaml with this one, and keep the new one';
    throw new PipelineFileError(file, [located(document, { pointer: data.version === 1 ? '/version' : '/engine', part: 'value', message })]);
  }
  return data;
}
