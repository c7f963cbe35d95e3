import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../science/engine/index.js';
import type { Tensor } from '../../../science/engine/index.js';
import type { DecoderModel } from '../../../science/models/index.js';
import { factorHessian, InputMoments, layerForward, parsePattern, unstructured } from '../../../science/methods/index.js';
import type { RebuildSettings, Updates } from '../../../science/methods/index.js';
import { openTestEngine } from '../../helpers/engine.js';
import { goldenModels, type GoldenModel } from '../../helpers/golden.js';
import { loadModel } from '../../helpers/load-model.js';
import { embedCalibration, goldenRebuild, goldenStart, recorded } from './golden-data.js';
import { updatesUnder } from './initial/sparsegpt/sparsegpt-oracle.js';

const common = { ratio: 0.1, metric: 'weight-gradient', granularity: 'layer' } as const;
const runs: [string, RebuildSettings][] = [
  ['sparsegpt-50-layer', { ...common, pattern: unstructured, weights: 'keep-dense' }],
  ['sparsegpt-50-layer-retain', { ...common, pattern: unstructured, weights: 'keep-updates' }],
  ['sparsegpt-2of4', { ...common, pattern: parsePattern('2:4'), weights: 'keep-dense' }],
];

describe.each(goldenModels)('rebuild from SparseGPT compared with the public reference on $name', (golden) => {
  let model: DecoderModel;
  let dense: Map<string, Tensor>;
  beforeAll(async () => {
    await openTestEngine();
    ({ model, weights: dense } = await loadModel(golden.model));
  });

  const { runs: recordedRuns } = recorded(golden);

  it.each(runs.filter(([run]) => run in recordedRuns))('%s: gives the same mask with the same errors', async (run, settings) => {
    const masks = await goldenStart(golden, dense, run);
    const updates = await updatesOf(golden, model, dense, masks);
    const { different, errors } = await goldenRebuild(golden, model, dense, run, { masks, updates }, settings);
    // Measured: 0, in batches of 1, 4, 5 and 16. Only babyllama's first run differs, by a near tie in the last bits of the updates.
    const nearTie = `${golden.name} ${run}` === 'babyllama-tok105 sparsegpt-50-layer';
    expect(different).toBeLessThanOrEqual(nearTie ? 2e-3 : 1e-4);
    const losses = recordedRuns[run].losses ?? [];
    expect(errors).toHaveLength(losses.length);
    const tolerance = nearTie ? 3e-2 : 1e-3;
    losses.forEach(([, before, after], index) => {
      expect(Math.abs(errors[index][0] / before - 1)).toBeLessThan(tolerance);
      expect(Math.abs(errors[index][1] / after - 1)).toBeLessThan(tolerance);
    });
  });
});

/** The weights that SparseGPT leaves under these masks, computed layer by layer on the pruned path. The golden data does not have them. */
async function updatesOf(golden: GoldenModel, model: DecoderModel, dense: ReadonlyMap<string, Tensor>, masks: ReadonlyMap<string, Uint8Array>): Promise<Updates> {
  const updates = new Map<string, Float32Array>();
  let hidden = embedCalibration(golden, model, dense, 5);
  for (let index = 0; index < model.layers; index++) {
    const layer = model.decoderLayer(index);
    const moments = new InputMoments(() => 1);
    tf.dispose(await layerForward({ layer, hidden, weights: dense, keepInput: true, onInput: moments.add }));
    for (const { linears, sums } of moments.inputs) {
      const factor = await factorHessian(sums.products(), 0.01);
      for (const { name, shape } of linears) {
        const weight = await dense.get(name)!.data<'float32'>();
        updates.set(name, updatesUnder(masks.get(name)!, weight, shape, await factor.upper()));
      }
      factor.dispose();
    }
    moments.dispose();
    hidden = await layerForward({ layer, hidden, weights: dense, masks, updates });
  }
  tf.dispose(hidden);
  return updates;
}
