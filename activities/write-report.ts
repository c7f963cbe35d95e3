import { join } from 'node:path';
import { writeFileDurably } from '../artifacts/index.js';
import type { Lock } from '../config/lock.js';
import type { Pipeline } from '../config/pipeline.js';
import { LockBrokenError, lockedInputs, lockedOutputs, outputDifferences, writeLock } from './lock/index.js';
import type { PipelineResult } from './result.js';
import type { WriteReportInput, WrittenReport } from './types.js';
import { likelihoodsFolder, runFolder } from './write-outputs.js';

/** Writes the report, the result and the lock of a run into its folder. */
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
  const whole = { ...result, ...written };
  await writeFileDurably(report, [Buffer.from(render(whole, pipeline))]);
  await writeFileDurably(join(folder, 'result.json'), [Buffer.from(`${JSON.stringify(whole, null, 2)}\n`)]);
  if (origin !== undefined && written.lock !== undefined) {
    await writeLock(written.lock, { ...lockedInputs(pipeline, context, origin), outputs: lockedOutputs(result) });
  }
  return written;
}

/** @throws LockBrokenError where a run did not come to what is locked */
export function holdAgainstLock(lock: Lock, result: PipelineResult, report: string): void {
  const differences = outputDifferences(lock.outputs, lockedOutputs(result));
  if (differences.length > 0) throw new LockBrokenError(differences, report);
}
