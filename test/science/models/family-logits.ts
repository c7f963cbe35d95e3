import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../science/engine/index.js';
import { disposeConstants, forwardLogits, heldConstants } from '../../../science/models/index.js';
import { openTestEngine } from '../../helpers/engine.js';
import { goldenFamilies, type GoldenFamily } from '../../helpers/golden.js';
import { loadModel, readArrays } from '../../helpers/load-model.js';
import { needs, where } from '../../helpers/needs.js';

/** The shared 16-bit folders agree only up to the rounding of rotary frequencies: see half-precision-rope.test.ts. */
const tolerance = ({ name, committed }: GoldenFamily) => (/16/.test(name) && !committed ? 2e-3 : 1e-4);

/** Compares the logits of every family and variant with those of Hugging Face transformers, on one engine. */
export function testFamilyLogits(backend: 'tensorflow' | 'wasm'): void {
  const wanted = backend === 'tensorflow' ? [needs.tensorflow] : [];
  describe(`decoder families on ${backend}`, where(...wanted), () => {
    beforeAll(async () => {
      await openTestEngine(backend);
      expect(tf.getBackend()).toBe(backend);
    });
    afterAll(disposeConstants);

    it.each(goldenFamilies)('$name: computes the logits of transformers, and leaves no tensor', async (family) => {
      const before = tf.memory().numTensors - heldConstants();
      expect(await logitsError(family.folder)).toBeLessThan(tolerance(family));
      expect(tf.memory().numTensors - heldConstants()).toBe(before);
    });
  });
}

/** Returns the largest difference from a family folder's `expected.safetensors`, in standard deviations of the logits. */
export async function logitsError(folder: string): Promise<number> {
  const { input_ids, logits: expected } = readArrays(join(folder, 'expected.safetensors'));
  const { model, weights } = await loadModel(folder);
  const ids = tf.tensor2d(input_ids.values, input_ids.shape as [number, number], 'int32');
  const logits = forwardLogits(model, weights, ids);
  expect(logits.shape).toEqual(expected.shape);
  const error = maxDifference(await logits.data(), expected.values) / deviation(expected.values);
  tf.dispose([ids, logits, ...weights.values()]);
  return error;
}

function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  // A NaN must be returned as NaN. Math.max does that.
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
}

function deviation(values: ArrayLike<number>): number {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length);
}
