/** The costs that a plan predicts for mixtures of experts, compared with what TensorFlow.js does. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { scoreLayer } from '../../activities/allocation.js';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { advanceCost, checkpointSize } from '../../app/planning/index.js';
import type { InitialMaskStage, Pipeline } from '../../app/config/pipeline.js';
import type { Cost, ModelSize, Windows } from '../../science/cost/index.js';
import { startLedger, tf } from '../../science/engine/index.js';
import { allocationMethodOf, initialMethodOf, ownSettings, rebuildMethodOf } from '../../science/methods/index.js';
import { demoPipeline, rebuildStageOf } from '../helpers/demo-run.js';
import { temporaryBench } from '../helpers/in-process.js';
import { needs, where } from '../helpers/needs.js';

let bench: Workbench;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ bench, remove } = await temporaryBench());
});
afterAll(() => remove());

interface Seen {
  /** Floating-point operations of matrix products. */
  flops: number;
  calls: number;
  /** Bytes read back from the engine. */
  down: number;
}

/** Records what a piece of work makes the engine do. */
async function seen(work: () => Promise<unknown>): Promise<Seen> {
  const end = startLedger();
  const { kernels } = await tf.profile(async () => void (await work()));
  const { operations, down } = end();
  const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
  let flops = 0;
  for (const { name, inputShapes, outputShapes } of kernels) {
    if (!/MatMul/.test(name)) continue;
    const [[a, b], [out]] = [inputShapes, outputShapes];
    const batch = size(out.slice(0, -2));
    flops += 2 * size(out) * Math.sqrt((size(a) * size(b)) / size(out) / batch);
  }
  return { flops, calls: operations, down };
}

const pipelineOf = (model: string, settings: readonly string[] = []): Pipeline =>
  demoPipeline([`model.source=${resolve('test/golden/mixtures', model)}`, 'calibration.samples=32', 'calibration.sequenceLength=128', ...settings]);

describe.each(['mixtral', 'qwen3-moe'])('%s', where(needs.tensorflow), (model) => {
  const begun = async (settings: readonly string[] = []) => {
    const pipeline = pipelineOf(model, settings);
    const context = await prepareRun({ pipeline }, bench);
    const { tokens } = await sampleCalibration({ context, stage: pipeline.stages[0] as never }, bench);
    const open = await bench.model(context.model);
    const size: ModelSize = checkpointSize(open.model, open.checkpoint);
    const windows: Windows = { samples: 32, time: 128, perBatch: context.sequencesPerBatch };
    return { pipeline, context, tokens, size, windows };
  };
  /** Compares products and calls, planned and seen. Reads and writes are the same as for any model. */
  const expectNear = ({ work }: Cost, found: Seen): void => {
    for (const [counted, happened] of [[work.flops, found.flops], [work.calls, found.calls]]) {
      expect(counted / happened).toBeGreaterThan(1 / 1.5);
      expect(counted / happened).toBeLessThan(1.5);
    }
  };

  it('a forward', async () => {
    const { context, tokens, size, windows } = await begun();
    expectNear(advanceCost(size, windows), await seen(() => advanceLayer({ context, layer: 0, path: { tokens, masks: [] }, mask: null }, bench)));
  });
  it.each(['wanda', 'sparsegpt', 'admm'] as const)('%s', async (method) => {
    const { pipeline, context, tokens, size, windows } = await begun([`initialMask={ method: ${method}, sparsity: 0.5 }`]);
    const stage = pipeline.stages[1] as InitialMaskStage;
    const found = await seen(() => makeInitialMask({ context, stage, layer: 0, path: { tokens, masks: [] } }, bench));
    expectNear(initialMethodOf(method).cost(size, windows), found);
    if (method !== 'sparsegpt') return;
    // The engine returns factors, not a product of the tokens of each sequence.
    const { inputWidths, shares } = size.layer;
    const products = inputWidths.reduce((sum, width, i) => sum + windows.samples * shares[i] * width ** 2, 0);
    expect(found.down).toBeLessThan(4 * products);
  });
  it.each(['owl', 'sensitivity'] as const)('%s', async (method) => {
    const { context, tokens, size, windows } = await begun();
    const layers = [0, 1];
    if (method === 'sensitivity') for (const layer of layers) await advanceLayer({ context, layer, path: { tokens, masks: layers.slice(0, layer).map(() => null) }, mask: null, keep: true }, bench);
    if (method === 'sensitivity') await scoreLayer({ context, method, tokens, layer: 1 }, bench);
    const own = allocationMethodOf(method);
    if (own.needs === 'nothing') return;
    expectNear(own.cost(size, windows), await seen(() => scoreLayer({ context, method, tokens, layer: 0 }, bench)));
  });
  it.each(['strategy: published', 'strategy: guarded', 'strategy: guarded, weights: refit', 'strategy: swaps', 'strategy: best, effort: 3', 'strategy: best', 'strategy: best, weights: keep-dense'])('%s', async (rebuild) => {
    const { pipeline, context, tokens, size, windows } = await begun([`rebuild={ ${rebuild} }`]);
    const { mask: start } = await makeInitialMask({ context, stage: pipeline.stages[1] as InitialMaskStage, layer: 0, path: { tokens, masks: [] } }, bench);
    const stage = rebuildStageOf(pipeline);
    const method = rebuildMethodOf(stage.strategy);
    expectNear(method.cost(size, windows, stage, ownSettings(method.settings, stage)), await seen(() => rebuildLayer({ context, stage, layer: 0, path: { tokens, masks: [] }, start }, bench)));
  });
});
