import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../engine/index.js';
import type { Tensor } from '../../engine/index.js';
import type { DecoderModel } from '../../models/index.js';
import { rebuildSubBlock } from '../../pruning/index.js';
import { openTestEngine } from '../helpers/engine.js';
import { loadModel, sharedData } from '../helpers/load-model.js';
import { differences, embedCalibration, goldenMasks, goldenRuns } from './golden-data.js';

const name = 'tiny-opt';
const available = existsSync(join(sharedData, 'golden', name));
if (!available) console.warn('The golden data is absent: parity with the public reference on OPT is not tested.');

describe.skipIf(!available)('parity with the public reference on OPT', () => {
  let model: DecoderModel;
  let weights: Map<string, Tensor>;
  beforeAll(async () => {
    await openTestEngine();
    ({ model, weights } = await loadModel(join(sharedData, 'models', name)));
  });
  const runs = available ? goldenRuns(name) : [];

  it.each(runs)('rebuilds $name to the same mask with the same errors', async (run) => {
    const start = await goldenMasks(name, run.name, 'initial');
    const expected = await goldenMasks(name, run.name, 'rebuilt');
    let hidden = embedCalibration(name, model, weights, 8);
    let different = 0;
    let size = 0;
    const errors: [number, number][] = [];
    for (let index = 0; index < model.layers; index++) {
      for (const subBlock of model.decoderLayer(index).subBlocks) {
        const linears = [...subBlock.inputs, subBlock.output];
        const masks = new Map(linears.map(({ name: linear, shape }) => [linear, start.get(linear)!.subarray(0, shape[0] * shape[1])]));
        const rebuilt = await rebuildSubBlock({ subBlock, hidden, dense: weights, masks, settings: run });
        hidden = rebuilt.hidden;
        errors.push([rebuilt.report.errorBefore, rebuilt.report.errorAfter]);
        for (const linear of linears) {
          different += differences(linear, rebuilt.masks.get(linear.name)!, expected.get(linear.name)!);
          size += linear.shape[0] * linear.shape[1];
        }
      }
    }
    tf.dispose(hidden);
    expect(different / size).toBeLessThanOrEqual(1e-4);
    expect(errors).toHaveLength(run.losses.length);
    errors.forEach(([errorBefore, errorAfter], index) => {
      const [, expectedBefore, expectedAfter] = run.losses[index];
      expect(Math.abs(errorBefore / expectedBefore - 1)).toBeLessThan(1e-3);
      expect(Math.abs(errorAfter / expectedAfter - 1)).toBeLessThan(1e-3);
    });
  });
});
