import { loadSweep } from '../../config/index.js';
import { sweepWorkflow, type SweepResult } from '../../../workflows/sweep-protocol.js';
import { commandText, stateWords } from '../command-text.js';
import type { GlobalOptions } from '../options.js';
import { showSweep, type FamilyOutcome } from './attend.js';
import { sweepIdOf, sweepRequestFor } from './request.js';

/** The differences between the commands of sweeps and searches. */
export interface Family {
  /** Type of the workflow. */
  workflow: string;
  noun: 'sweep' | 'search';
  plural: string;
  /** Key of the memo with the number of members or points. */
  count: 'members' | 'points';
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
  workflow: sweepWorkflow,
  noun: 'sweep',
  plural: 'sweeps',
  count: 'members',
  idOf: (file, { set, allowFloating }) => sweepIdOf(sweepRequestFor(loadSweep(file, set, { allowFloating }))),
  show: showSweep,
  goOn: (workflowId, { state }) => commandText(['sweep', 'resume', workflowId, ...stateWords(state)]),
};
