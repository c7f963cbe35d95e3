import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RunContext, TokensRef } from '../../activities/types.js';
import type { ComputeActivities } from '../../activities/types.js';
import { parsePipeline } from '../../app/config/index.js';
import type { CalibrationStage, InitialMaskStage, Pipeline, RebuildStage, Stage } from '../../app/config/pipeline.js';
import { initialMethodOf } from '../../science/methods/index.js';

/** The folder of the demo model, which is committed with the project. */
export const demoFolder = resolve('pipelines/demo');

/** A small pipeline on the demo model, with all stages. */
export function demoPipeline(overrides: string[] = [], folder = demoFolder): Pipeline {
  const text = `
version: 1
name: small
model: { source: ./model }
stages:
  - calibration: { dataset: { file: ./calibration.txt }, samples: 8, sequenceLength: 32 }
  - initialMask: { method: wanda, sparsity: 0.5 }
  - rebuild: { granularity: block, ratio: 0.1 }
  - evaluation: { perplexity: [{ dataset: { file: ./heldout.txt }, maxWindows: 4 }] }
`;
  return parsePipeline({ text, path: join(folder, 'small.yaml'), overrides }).pipeline;
}

/** Like {@link demoPipeline}, with enough work that even a slow interruption arrives in the middle of it. */
export function longPipeline(name: string, overrides: string[] = []): Pipeline {
  const pipeline = demoPipeline(overrides);
  const again = Array.from({ length: 6 }, () => rebuildStageOf(pipeline));
  return { ...pipeline, name, stages: pipeline.stages.flatMap((stage): Stage[] => (stage.type === 'rebuild' ? [stage, ...again] : [stage])) };
}

/** An empty state folder, and a function that removes it. */
export async function temporaryState(): Promise<{ state: string; remove: () => Promise<void> }> {
  const state = await mkdtemp(join(tmpdir(), 'llm-barber-test-'));
  return { state, remove: () => rm(state, { recursive: true, force: true }) };
}

/** A copy of the demo folder that a test may damage. */
export async function copyOfDemo(target: string): Promise<string> {
  await cp(demoFolder, target, { recursive: true });
  return target;
}

type Run = <Task extends keyof ComputeActivities>(task: Task, input: Parameters<ComputeActivities[Task]>[0]) => ReturnType<ComputeActivities[Task]>;

export interface BegunRun {
  context: RunContext;
  tokens: TokensRef;
  initial: string[];
}

/** Makes the calibration and the initial masks of a pipeline. `run` executes the activities. */
export async function begin(run: Run, pipeline: Pipeline): Promise<BegunRun> {
  const context = await run('prepareRun', { pipeline });
  const [calibration, mask] = pipeline.stages as [CalibrationStage, InitialMaskStage];
  const { tokens } = await run('sampleCalibration', { context, stage: calibration });
  const initial: string[] = [];
  for (let layer = 0; layer < context.model.layers; layer++) {
    const path = initialMethodOf(mask.method).needs === 'hidden-states' ? { path: { tokens, masks: [...initial] } } : {};
    initial.push((await run('makeInitialMask', { context, stage: mask, layer, ...path })).mask);
  }
  return { context, tokens, initial };
}

export function rebuildStageOf(pipeline: Pipeline): RebuildStage {
  return pipeline.stages.find((stage): stage is RebuildStage => stage.type === 'rebuild') as RebuildStage;
}
