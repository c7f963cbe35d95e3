import { join } from 'node:path';
import { writeFileDurably } from '../files/artifacts/index.js';
import type { Lock } from '../app/config/lock.js';
import type { Pipeline } from '../app/config/pipeline.js';
import { earlierCosts, resultFile } from './earlier-costs.js';
import { LockBrokenError, lockedInputs, lockedOutputs, outputDifferences, writeLock } from './lock/index.js';
import type { PipelineResult } from './result.js';
import type { WriteReportInput, WrittenReport } from './types.js';
import { likelihoodsFolder, runFolder } from './write-outputs.js';

/**
 * Writes the report, the result and the lock of a run into its folder. A run that finds what an earlier one has made keeps the costs that
 * the earlier report tells.
 */
export async function writeReport(
  { workflowId, pipeline, result, context, folder: origin }: WriteReportInput,
  state: string,
  render: (result: PipelineResult, pipeline: Pipeline) => string,
): Promise<WrittenReport> {
  const folder = runFolder(state, workflowId);
  const report = join(folder, 'report.md');
  const written = {
    report,
    ...(result.zeroShot !== undefined && { logLikelihoods: likelihoodsFolder(state, workflowId) }),
    ...(origin !== undefined && { lock: join(folder, 'pipeline.lock.yaml') }),
  };
  const made: PipelineResult = { ...result, ...written };
  const costs = await earlierCosts(folder, made);
  const whole: PipelineResult = costs === undefined ? made : { ...made, incidents: undefined, ...costs };
  await writeFileDurably(report, [Buffer.from(render(whole, pipeline))]);
  await writeFileDurably(resultFile(folder), [Buffer.from(`${JSON.stringify(whole, null, 2)}\n`)]);
  if (origin !== undefined && written.lock !== undefined) {
    await writeLock(written.lock, { ...lockedInputs(pipeline, context, origin), outputs: lockedOutputs(result) });
  }
  return { ...written, ...(costs && { seconds: costs.seconds, ...(costs.gates && { gates: costs.gates }) }) };
}

/** @throws LockBrokenError where a run did not come to what is locked */
export function holdAgainstLock(lock: Lock, result: PipelineResult, report: string): void {
  const differences = outputDifferences(lock.outputs, lockedOutputs(result));
  if (differences.length > 0) throw new LockBrokenError(differences, report);
}
