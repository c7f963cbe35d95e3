import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor, Tensor2D } from '../../../../../science/engine/index.js';
import { perplexity, tokenLosses } from '../../../../../science/evaluation/index.js';
import type { DecoderModel } from '../../../../../science/models/index.js';
import { runDecoderLayer } from '../../../../../science/models/index.js';
import { factorHessian } from '../../../../../science/methods/parts/hessian-factor.js';
import { InputMoments } from '../../../../../science/methods/index.js';
import { layerForward, parsePattern, unstructured } from '../../../../../science/methods/index.js';
import type { MaskTarget } from '../../../../../science/methods/index.js';
import { sparseGpt } from '../../../../../science/methods/initial/sparsegpt/sparsegpt.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { goldenModels, type GoldenModel } from '../../../../helpers/golden.js';
import { loadModel, readArrays } from '../../../../helpers/load-model.js';
import { differences, embedCalibration, goldenMasks, recorded } from '../../golden-data.js';
import { updatesUnder } from './sparsegpt-oracle.js';

const runs: [string, MaskTarget][] = [
  ['sparsegpt-50-layer', { sparsity: 0.5, pattern: unstructured }],
  ['sparsegpt-2of4', { sparsity: 0.5, pattern: parsePattern('2:4') }],
];

describe.each(goldenModels)('SparseGPT compared with the public reference on $name', (golden) => {
  let model: DecoderModel;
  let dense: Map<string, Tensor>;
  beforeAll(async () => {
    await openTestEngine();
    ({ model, weights: dense } = await loadModel(golden.model));
  });

  interface Pruned {
    weights: Map<string, Tensor>;
    /** Share of all masked weights whose mask bit differs from the reference's. */
    different: number;
  }

  /**
   * Prunes layer by layer.
   *
   * @param follow whether later layers use the reference's mask (and the updates that follow from it) instead of ours
   */
  async function prune(run: string, target: MaskTarget, follow: boolean): Promise<Pruned> {
    const expected = await goldenMasks(golden, run, 'initial');
    const weights = new Map(dense);
    let hidden = embedCalibration(golden, model, dense, 5);
    let different = 0;
    let size = 0;
    for (let index = 0; index < model.layers; index++) {
      const layer = model.decoderLayer(index);
      const moments = new InputMoments(() => 1);
      tf.dispose(await layerForward({ layer, hidden, weights: dense, keepInput: true, onInput: moments.add }));
      for (const { linears, sums } of moments.inputs) {
        const factor = await factorHessian(sums.products(), 0.01);
        for (const linear of linears) {
          const { name, shape } = linear;
          const weight = dense.get(name) as Tensor2D;
          const golden = expected.get(name)!;
          const pruned = await sparseGpt({ weight, factor, target, name });
          const updated = follow ? updatesUnder(golden, await weight.data<'float32'>(), shape, await factor.upper()) : pruned.weight;
          weights.set(name, tf.tensor(updated, [...shape]));
          different += differences(linear, pruned.mask, golden);
          size += weight.size;
        }
        factor.dispose();
      }
      moments.dispose();
      hidden = await layerForward({ layer, hidden, weights });
    }
    tf.dispose(hidden);
    return { weights, different: different / size };
  }

  const { runs: recordedRuns } = recorded(golden);
  const runsHere = runs.filter(([run]) => run in recordedRuns);

  // The reference prunes one weight too many in every 128 columns, 0.02 % here. Everything else agrees, for any batches.
  it.each(runsHere)('%s: layer by layer from the state of the reference', async (run, target) => {
    const { weights, different } = await prune(run, target, true);
    expect(different).toBeLessThan(0.0005);
    expect(Math.abs(evaluate(golden, model, weights) / recordedRuns[run].init_ppl - 1)).toBeLessThan(1e-4);
  });

  // The last bits of a product can decide a near tie, and then all later layers differ a little: 0 on most machines; 2.3 % for 2:4 on
  // babyllama with AMX (Sapphire Rapids, one thread). The perplexity hardly changes.
  it.each(runsHere)('%s: on its own', async (run, target) => {
    const { weights, different } = await prune(run, target, false);
    expect(different).toBeLessThanOrEqual(0.03);
    expect(Math.abs(evaluate(golden, model, weights) / recordedRuns[run].init_ppl - 1)).toBeLessThan(0.02);
  });
});

/** Perplexity on the reference's evaluation windows. */
function evaluate({ data }: GoldenModel, model: DecoderModel, weights: Map<string, Tensor>): number {
  const { shape, values } = readArrays(join(data, 'tokens.safetensors')).evaluation;
  const [windows, time] = shape;
  let sum = 0;
  for (let window = 0; window < windows; window += 16) {
    const count = Math.min(16, windows - window);
    tf.tidy(() => {
      const ids: Tensor2D = tf.tensor2d(values.subarray(window * time, (window + count) * time), [count, time], 'int32');
      let h = model.embed(ids, weights);
      for (let index = 0; index < model.layers; index++) h = runDecoderLayer(model.decoderLayer(index), h, weights);
      for (const loss of tokenLosses(model, weights, h, ids)) sum += loss;
    });
  }
  return perplexity(sum, windows * (time - 1));
}
