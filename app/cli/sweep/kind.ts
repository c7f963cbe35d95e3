import { loadSweep } from '../../config/index.js';
import type { SweepResult } from '../../../workflows/sweep-protocol.js';
import { commandText, stateWords } from '../command-text.js';
import type { GlobalOptions } from '../options.js';
import { showSweep, type RunGroupOutcome } from './follow.js';
import { sweepNames, type RunGroupNames } from './run-group.js';
import { sweepIdOf, sweepRequestFor } from './request.js';

/** The differences between the commands of sweeps and searches. */
export interface RunGroup extends RunGroupNames {
  /** The workflow id for a file. @throws PipelineFileError */
  idOf: (file: string, options: GlobalOptions) => string;
  /** The command that continues after a cancellation. */
  goOn: (workflowId: string, options: GlobalOptions) => string;
}

export interface RunGroupKind<Result> extends RunGroup {
  /** Prints the outcome. @returns the exit code */
  show: (workflowId: string, outcome: RunGroupOutcome<Result>, options: GlobalOptions) => number;
}

export const sweeps: RunGroupKind<SweepResult> = {
  ...sweepNames,
  idOf: (file, { set, allowFloating }) => sweepIdOf(sweepRequestFor(loadSweep(file, set, { allowFloating }))),
  show: showSweep,
  goOn: (workflowId, { state }) => commandText(['sweep', 'resume', workflowId, ...stateWords(state)]),
};
