/** Runs activities in the process of a test, without a worker. */
import { join } from 'node:path';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import type { Pipeline } from '../../app/config/pipeline.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { begin, temporaryState, type BegunRun } from './demo-run.js';

/** A workbench with an empty state folder, and a function that removes the folder. */
export async function temporaryBench(): Promise<{ bench: Workbench; state: string; remove: () => Promise<void> }> {
  const { state, remove } = await temporaryState();
  return { bench: new Workbench(state, new ArtifactStore(join(state, 'artifacts'))), state, remove };
}

const stages = { prepareRun, sampleCalibration, makeInitialMask };

/** Makes the calibration and the initial masks of a pipeline. */
export function beginHere(pipeline: Pipeline, bench: Workbench): Promise<BegunRun> {
  return begin((task, input) => (stages as never as Record<string, (input: unknown, bench: Workbench) => never>)[task](input, bench), pipeline);
}
