import { loadPack, type Pack } from '../../config/index.js';
import { exitCode } from '../exit-codes.js';
import type { GlobalOptions } from '../options.js';
import { outcomeJson, statusOf, type Outcome } from '../outcome.js';
import { verdicts, verdictTable } from '../pack-verdicts.js';
import { printJson } from '../output.js';
import { showOutcome } from '../show-outcome.js';
import type { Run } from '../start-pipeline.js';
import { runHere } from './run.js';

/**
 * `reproduce PACK`: runs the pack's pipeline like `run`, and compares its results with the published numbers.
 * @returns the exit code: that of a failed gate if a number is outside its tolerance or a gate of the pipeline failed
 * @throws PipelineFileError
 */
export async function reproduceCommand(file: string, options: GlobalOptions): Promise<number> {
  const pack = loadPack(file, options.set, options);
  return await runHere(pack, options, { show: (run, outcome, log) => showReproduction(pack, run, outcome, { json: options.json, log }) });
}

function showReproduction(pack: Pack, run: Run, outcome: Outcome, { json, log }: { json: boolean; log: string }): number {
  if (outcome.status !== 'completed') return showOutcome(run, outcome, { json, log });
  const found = verdicts(pack.expect, outcome.result);
  const reproduced = found.every(({ verdict }) => verdict === 'within');
  if (json) printJson({ ...outcomeJson(run, outcome), pack: pack.name, reproduced, expect: found });
  else {
    showOutcome(run, outcome, { json, log });
    process.stdout.write(`${verdictTable(pack.name, found)}\n`);
  }
  if (!reproduced) process.stderr.write('The published numbers were not reproduced.\n');
  return reproduced && statusOf(outcome) === 'completed' ? exitCode.done : exitCode.gateFailed;
}
