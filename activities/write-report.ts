import { join } from 'node:path';
import { writeFileDurably, type ArtifactStore } from '../files/artifacts/index.js';
import { openMaskFile, readProof, type Proof } from '../files/masks/index.js';
import type { Lock } from '../app/config/lock.js';
import type { Pipeline } from '../app/config/pipeline.js';
import { earlierCosts, resultFile } from './earlier-costs.js';
import { LockBrokenError, lockedInputs, lockedOutputs, outputDifferences, writeLock } from './lock/index.js';
import { fetchModelOutputs, lockPath, outputPaths } from './outputs/fetch.js';
import { filesIn, keepReport, keptParts } from './outputs/keep.js';
import { pageOrNotice } from './page-or-notice.js';
import type { PipelineResult } from './result.js';
import type { WriteReportInput, WrittenReport } from './types.js';
import { likelihoodsFolder, runFolder } from './write-outputs.js';

/** Functions that present a run to people. They are passed in, because activities do not depend on report code. */
export interface Renderers {
  /** Returns Markdown. */
  renderReport: (result: PipelineResult, pipeline: Pipeline) => string;
  /** Returns HTML. `pruned` is absent if nothing was pruned. */
  renderPage: (request: PageRequest) => Promise<string>;
}

export interface PageRequest {
  result: PipelineResult;
  pipeline: Pipeline;
  pruned?: { proof: Proof; readBits: (name: string) => Promise<Uint8Array> };
}

/**
 * Writes the report, the page, the result and the lock of a run into its folder, and puts them into the store if it keeps outputs.
 * A run that reuses the work of an earlier one shows the costs from the earlier report.
 * @param signal ends a download of outputs from the store
 */
export async function writeReport(
  { workflowId, pipeline, result: handed, context, folder: origin }: WriteReportInput,
  state: string,
  store: ArtifactStore,
  { renderReport, renderPage }: Renderers,
  signal?: AbortSignal,
): Promise<WrittenReport> {
  const folder = runFolder(state, workflowId);
  const moved = await fetchModelOutputs(handed, folder, store, signal);
  const result = { ...handed, ...moved };
  const report = join(folder, 'report.md');
  const page = join(folder, 'report.html');
  const written = {
    report, page,
    ...(result.zeroShot !== undefined && { logLikelihoods: likelihoodsFolder(state, workflowId) }),
    ...(origin !== undefined && { lock: lockPath(folder) }),
  };
  const made: PipelineResult = { ...result, ...written };
  const costs = await earlierCosts(folder, made);
  const whole: PipelineResult = costs === undefined ? made : { ...made, ...costs };
  await writeFileDurably(report, [Buffer.from(renderReport(whole, pipeline))]);
  await writeFileDurably(page, [Buffer.from(await pageOf(whole, folder, pipeline, renderPage))]);
  await writeFileDurably(resultFile(folder), [Buffer.from(`${JSON.stringify(whole, null, 2)}\n`)]);
  if (origin !== undefined && written.lock !== undefined) {
    await writeLock(written.lock, { ...lockedInputs(pipeline, context, origin), outputs: lockedOutputs(result) });
  }
  const kept = await keepReport(store, keptParts(pipeline.outputs?.keep, store, state), {
    workflowId, folder, model: result.kept ?? {},
    files: [report, page, resultFile(folder), ...(written.lock === undefined ? [] : [written.lock]), ...(written.logLikelihoods === undefined ? [] : await filesIn(written.logLikelihoods))],
  });
  return { ...moved, ...written, ...(Object.keys(kept).length > 0 && { kept }), ...(costs && { seconds: costs.seconds, ...(costs.gates && { gates: costs.gates }) }) };
}

async function pageOf(result: PipelineResult, folder: string, pipeline: Pipeline, renderPage: Renderers['renderPage']): Promise<string> {
  return pageOrNotice(result.name, async () => renderPage({ result, pipeline, ...(result.mask !== '' && { pruned: await prunedOf(folder) }) }));
}

/** Reads mask and proof of a run from its own folder: the result may name other files. */
async function prunedOf(folder: string): Promise<NonNullable<PageRequest['pruned']>> {
  const { mask, proof } = outputPaths(folder);
  const file = await openMaskFile(mask);
  return { proof: await readProof(proof), readBits: (name) => file.readBits(name) };
}

/** Compares the results of a run with its lock. @throws LockBrokenError if they differ */
export function checkAgainstLock(lock: Lock, result: PipelineResult, report: string): void {
  const differences = outputDifferences(lock.outputs, lockedOutputs(result));
  if (differences.length > 0) throw new LockBrokenError(differences, report);
}
