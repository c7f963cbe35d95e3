/**
 * Measures how well `plan` predicts. Runs every kind of unit on a model in compute processes like those of a worker, a new one for
 * each stage, so that each stage has its own memory peak. Prints predicted and measured seconds and peak memory (VmHWM), as medians over
 * the layers. The predictions do not learn from the measurements.
 *
 *   node dist/tools/bench/plan.js <model folder> <text file> [samples] [sequence length]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ComputeHost } from '../../activities/compute/host.js';
import type { ComputeTask } from '../../activities/compute/messages.js';
import type { Activities, RunContext, TokensRef } from '../../activities/types.js';
import { calibratedMachine } from '../../app/cli/plan/calibrate.js';
import { parsePipeline } from '../../app/config/index.js';
import type { CalibrationStage, EvaluationStage, InitialMaskStage, RebuildStage } from '../../app/config/pipeline.js';
import { bytesText } from '../../errors/bytes-text.js';
import { readMeasurements } from '../../app/planning/index.js';

const [folder, text, samples = '16', time = '128'] = process.argv.slice(2);
if (text === undefined) throw new Error('usage: node dist/tools/bench/plan.js <model folder> <text file> [samples] [sequence length]');
const state = await mkdtemp(join(tmpdir(), 'bench-plan-'));
const never = new AbortController().signal;

function pipelineOf(method: string, rebuild: string): ReturnType<typeof parsePipeline>['pipeline'] {
  const dataset = `{ file: ${resolve(text)} }`;
  const yaml = `
version: 1
name: bench
model: { source: ${resolve(folder)} }
stages:
  - calibration: { dataset: ${dataset}, samples: ${samples}, sequenceLength: ${time} }
  - initialMask: { method: ${method}, sparsity: 0.5 }
  - rebuild: { ${rebuild} }
  - evaluation: { states: [dense], perplexity: [{ dataset: ${dataset}, maxWindows: ${samples} }] }
`;
  return parsePipeline({ text: yaml, path: resolve('bench.yaml'), overrides: [] }).pipeline;
}

/** Every method for the initial mask, and every strategy after the cheapest method. An evaluation and the outputs follow the last one. */
const measured = [
  ['magnitude', 'strategy: published, ratio: 0.1'], ['magnitude', 'strategy: guarded'], ['magnitude', 'strategy: guarded, weights: refit'], ['magnitude', 'strategy: swaps'],
  ['magnitude', 'strategy: best'], ['wanda', ''], ['sparsegpt', ''], ['admm', ''],
] as const;

let host: ComputeHost | undefined;
const run = <Task extends ComputeTask>(task: Task, input: Parameters<Activities[Task]>[0]): ReturnType<Activities[Task]> =>
  (host ??= new ComputeHost({ state, onOutput: () => undefined })).run(task, input, never, () => undefined) as ReturnType<Activities[Task]>;
function nextStage(): void {
  host?.stop();
  host = undefined;
}

async function initialMasks(context: RunContext, stage: InitialMaskStage, tokens: TokensRef): Promise<string[]> {
  const masks: string[] = [];
  for (let layer = 0; layer < context.model.layers; layer++) {
    const path = stage.method === 'magnitude' ? {} : { path: { tokens, masks: [...masks] } };
    masks.push((await run('makeInitialMask', { context, stage, layer, ...path })).mask);
  }
  return masks;
}

async function rebuild(context: RunContext, stage: RebuildStage, tokens: TokensRef, start: string[]): Promise<void> {
  const masks: string[] = [];
  for (let layer = 0; layer < context.model.layers; layer++) {
    masks.push((await run('rebuildLayer', { context, stage, layer, path: { tokens, masks: [...masks] }, start: start[layer] })).mask);
  }
}

async function evaluate(context: RunContext, stage: EvaluationStage): Promise<void> {
  const { tokens } = await run('sampleEvaluation', { context, task: stage.perplexity[0] });
  const layers = Array.from({ length: context.model.layers }, (_, layer) => layer);
  for (const layer of layers) {
    await run('advanceLayer', { context, layer, path: { tokens, masks: layers.slice(0, layer).map(() => null) }, mask: null });
  }
  nextStage();
  await run('scorePerplexity', { context, path: { tokens, masks: layers.map(() => null) } });
}

try {
  const { speeds } = await calibratedMachine({ state, engine: { backend: 'auto' }, renew: false, measurements: [] });
  let magnitude: string[] = [];
  for (const [method, settings] of measured) {
    const pipeline = pipelineOf(method, settings);
    const [calibration, initial, second, evaluation] = pipeline.stages as [CalibrationStage, InitialMaskStage, RebuildStage, EvaluationStage];
    const context = await run('prepareRun', { pipeline });
    const { tokens } = await run('sampleCalibration', { context, stage: calibration });
    nextStage();
    const start = await initialMasks(context, initial, tokens);
    nextStage();
    if (settings !== '') {
      await rebuild(context, second, tokens, start);
      nextStage();
      magnitude = start;
    }
    if (method !== 'admm') continue;
    await evaluate(context, evaluation);
    nextStage();
    const outputs = await run('writeOutputs', { context, workflowId: 'bench', masks: magnitude });
    nextStage();
    await run('proveOutputs', { context, workflowId: 'bench', outputs });
  }
  const rounded = Object.entries(speeds).map(([name, value]: [string, number]) => `${name} ${value.toPrecision(3)}`);
  console.log(`${rounded.join(', ')}\n`);
  const measurements = await readMeasurements(state);
  console.log('| unit | predicted s | measured s | predicted peak | measured peak | measured / predicted peak |\n|---|---|---|---|---|---|');
  for (const kind of new Set(measurements.map((one) => one.kind))) {
    const units = measurements.filter((one) => one.kind === kind);
    const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
    const [predicted, measured] = [units[0].predicted, { seconds: median(units.map((one) => one.measured.seconds)), bytes: Math.max(...units.map((one) => one.measured.bytes)) }];
    console.log(`| ${kind} | ${predicted.seconds.toPrecision(2)} | ${measured.seconds.toPrecision(2)} | ${bytesText(predicted.bytes)} | ${bytesText(measured.bytes)} | ${(measured.bytes / predicted.bytes).toFixed(2)} |`);
  }
} finally {
  host?.stop();
  await rm(state, { recursive: true, force: true });
}
