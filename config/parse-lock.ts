import { readChecked } from './checked-document.js';
import type { Lock } from './lock.js';
import { lockFile } from './schema.js';

/**
 * Reads and checks a lock.
 * @throws PipelineFileError with every problem found
 */
export function loadLock(path: string): Lock {
  return readChecked<Lock>(path, lockFile).data;
}
