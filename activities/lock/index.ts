/** Locks: they record everything that determines a run's bits, and later runs are compared with them. */
export { differenceTable, inputDifferences, outputDifferences } from './compare.js';
export { LockBrokenError, LockMismatchError } from './errors.js';
export { lockedInputs, lockedOutputs } from './make-lock.js';
export { writeLock } from './write-lock.js';
