import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../science/engine/index.js';
import type { Tensor } from '../../../science/engine/index.js';
import { linearsOf, type DecoderModel } from '../../../science/models/index.js';
import { InputNorms, layerForward, magnitudeMask, wandaMask } from '../../../science/methods/index.js';
import { openTestEngine } from '../../helpers/engine.js';
import { goldenModels } from '../../helpers/golden.js';
import { loadModel } from '../../helpers/load-model.js';
import { differences, embedCalibration, goldenMasks, goldenRebuild, goldenRuns, goldenStart } from './golden-data.js';

describe.each(goldenModels)('parity with the public reference on $name', (golden) => {
  let model: DecoderModel;
  let weights: Map<string, Tensor>;
  beforeAll(async () => {
    await openTestEngine();
    ({ model, weights } = await loadModel(golden.model));
  });
  const runs = goldenRuns(golden);

  it.each(runs)('rebuilds $name to the same mask with the same errors', async (run) => {
    const masks = await goldenStart(golden, weights, run.name);
    const { different, errors } = await goldenRebuild(golden, model, weights, run.name, { masks }, run);
    expect(different).toBeLessThanOrEqual(1e-4);
    expect(errors).toHaveLength(run.losses.length);
    errors.forEach(([errorBefore, errorAfter], index) => {
      const [, expectedBefore, expectedAfter] = run.losses[index];
      expect(Math.abs(errorBefore / expectedBefore - 1)).toBeLessThan(1e-3);
      expect(Math.abs(errorAfter / expectedAfter - 1)).toBeLessThan(1e-3);
    });
  });

  it.each(runs.filter(({ method, metric }) => method === 'wanda' || metric === 'weight-gradient'))('makes the initial mask of $name', async (run) => {
    const expected = await goldenMasks(golden, run.name, 'initial');
    let hidden = embedCalibration(golden, model, weights, 5);
    let different = 0;
    let size = 0;
    for (let index = 0; index < model.layers; index++) {
      const layer = model.decoderLayer(index);
      const norms = new InputNorms();
      if (run.method === 'wanda') tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: norms.add }));
      const masks = new Map<string, Uint8Array>();
      for (const linear of linearsOf(model.decoderLayer(index))) {
        const values = (await weights.get(linear.name)!.data()) as Float32Array;
        const mask = run.method === 'wanda' ? wandaMask(values, norms.norms(linear.name), linear.shape, run) : magnitudeMask(values, linear.shape, run);
        masks.set(linear.name, mask);
        const wrong = differences(linear, mask, expected.get(linear.name)!);
        // The reference prunes one weight too many in every linear.
        if (run.method === 'magnitude' && run.pattern.kind === 'unstructured') expect(wrong).toBe(1);
        different += wrong;
        size += mask.length;
      }
      if (run.method === 'wanda') hidden = await layerForward({ layer, hidden, weights, masks });
    }
    tf.dispose(hidden);
    if (run.method === 'wanda' || run.pattern.kind === 'N:M') expect(different / size).toBeLessThanOrEqual(1e-4);
  });
});
