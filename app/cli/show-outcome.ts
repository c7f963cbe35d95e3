import { exitCode } from './exit-codes.js';
import { failedGates } from '../report/index.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { printJson } from './output.js';
import { outcomeJson, statusOf, type Outcome } from './outcome.js';
import { resultTable } from './result-table.js';
import type { Run } from './start-pipeline.js';

/**
 * Prints how a run ended: the table, or what failed, or with `json` the object that `outcomeJson` makes.
 * @param log path of the worker's log, if it is on this machine
 * @returns the exit code
 */
export function showOutcome(run: Run, outcome: Outcome, { json, log }: { json: boolean; log?: string }): number {
  if (json) printJson(outcomeJson(run, outcome));
  switch (outcome.status) {
    case 'completed':
      if (!json) process.stdout.write(`${resultTable(outcome.result)}\n`);
      if (statusOf(outcome) === 'completed') return exitCode.done;
      process.stderr.write(`${gatesFailed(outcome.result)} The files of the run are kept.\n`);
      return exitCode.gateFailed;
    case 'failed':
      process.stderr.write(`\nFailed (${outcome.error.type}): ${outcome.error.message}\n`);
      if (outcome.error.type === 'LockMismatchError') return exitCode.wrongInput;
      process.stderr.write(`Fix that and run the same command again: finished work is kept.${log === undefined ? '' : ` Log: ${log}`}\n`);
      return exitCode.runFailed;
    case 'cancelled':
      process.stderr.write('\nThe run was cancelled. Start it again to continue: finished work is kept.\n');
      return exitCode.runFailed;
  }
}

function gatesFailed(result: PipelineResult): string {
  const failed = failedGates(result);
  return `${failed.length} of ${result.gates?.length ?? 0} quality gates failed: ${failed.map(({ gate }) => gate).join('; ')}.`;
}
