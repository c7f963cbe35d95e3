import { readChecked } from './checked-document.js';
import { PipelineFileError } from './errors.js';
import type { Lock } from './lock.js';
import { located } from './located.js';
import type { ValueProblem } from './schema-problems.js';
import { lockFile } from './schema.js';

/** Returns a problem if an older version of this package wrote the lock. */
export function olderLock({ version, engine }: Lock): ValueProblem[] {
  if (version !== 1 && engine.kernels !== undefined) return [];
  const message = 'this lock does not say which instruction set (or GPU driver and libraries) it was made with, because an older version of this package wrote it, '
    + 'so the same bits cannot be promised. Run once without --locked, compare the new pipeline.lock.yaml with this one, and keep the new one';
  return [{ pointer: version === 1 ? '/version' : '/engine', part: 'value', message }];
}

/**
 * Reads and checks a lock.
 * @throws PipelineFileError with every problem found
 */
export function loadLock(path: string): Lock {
  const { file, data, document } = readChecked<Lock>(path, lockFile);
  const older = olderLock(data);
  if (older.length > 0) throw new PipelineFileError(file, older.map((problem) => located(document, problem)));
  return data;
}
