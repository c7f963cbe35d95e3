import { loadSweep } from '../../config/index.js';
import type { SweepResult } from '../../../workflows/sweep-protocol.js';
import { commandText, stateWords } from '../command-text.js';
import type { GlobalOptions } from '../options.js';
import { showSweep, type FamilyOutcome } from './attend.js';
import { sweepNames, type FamilyNames } from './family.js';
import { sweepIdOf, sweepRequestFor } from './request.js';

/** The differences between the commands of sweeps and searches. */
export interface Family extends FamilyNames {
  /** The workflow id for a file. @throws PipelineFileError */
  idOf: (file: string, options: GlobalOptions) => string;
  /** The command that continues after a cancellation. */
  goOn: (workflowId: string, options: GlobalOptions) => string;
}

export interface FamilyKind<Result> extends Family {
  /** Prints the outcome. @returns the exit code */
  show: (workflowId: string, outcome: FamilyOutcome<Result>, options: GlobalOptions) => number;
}

export const sweeps: FamilyKind<SweepResult> = {
  ...sweepNames,
  idOf: (file, { set, allowFloating }) => sweepIdOf(sweepRequestFor(loadSweep(file, set, { allowFloating }))),
  show: showSweep,
  goOn: (workflowId, { state }) => commandText(['sweep', 'resume', workflowId, ...stateWords(state)]),
};
