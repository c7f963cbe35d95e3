/** Locks: what a run's bits follow from, written down, and later runs compared with it. */
export { differenceTable, inputDifferences, outputDifferences } from './compare.js';
export { LockBrokenError, LockMismatchError } from './errors.js';
export { lockedInputs, lockedOutputs } from './make-lock.js';
export { writeLock } from './write-lock.js';
