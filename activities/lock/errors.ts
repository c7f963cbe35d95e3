import { PermanentFault } from '../../errors/fault.js';
import { differenceTable, type Difference } from './compare.js';

const counted = (differences: readonly Difference[]): string => `${differences.length} ${differences.length === 1 ? 'value differs' : 'values differ'}`;

/** Thrown before any work if a run differs from the one that was locked. */
export class LockMismatchError extends PermanentFault {
  constructor(readonly differences: readonly Difference[]) {
    super({
      what: `${counted(differences)} from the lock, so the run was not started:\n${differenceTable(differences)}\nThe lock allows no other values`,
      remedy: 'Restore what was locked, or run without --locked and keep the new lock',
    });
  }
}

/** Thrown at the end of a run whose inputs are those of the lock but whose results differ. */
export class LockBrokenError extends PermanentFault {
  constructor(readonly differences: readonly Difference[], report: string) {
    super({
      where: report,
      what: `the inputs match the lock, but ${counted(differences)} in the results:\n${differenceTable(differences)}\nThe files are kept`,
      remedy: 'Check whether the processor or the driver differs; if the machine is the same, report this as a bug',
    });
  }
}
