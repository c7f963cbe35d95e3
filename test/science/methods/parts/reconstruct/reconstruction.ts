import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../../science/engine/index.js';
import { heldConstants, linearsOf } from '../../../../../science/models/index.js';
import { maskedWeights, PruningInputError } from '../../../../../science/methods/index.js';
import type { Updates } from '../../../../../science/methods/index.js';
import { layerErrors } from '../../../../../science/methods/parts/reconstruct/layer-gradients.js';
import { reconstructLayer } from '../../../../../science/methods/parts/reconstruct/index.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { toyLayer } from './toy-layer.js';
import type { ToyLayer } from './toy-layer.js';

/** Families without a norm at the end of sub-blocks. With one, a layer has less to gain. */
const families = ['llama', 'opt', 'qwen3'] as const;

/** Mean squared error over all windows of some batches. Of the code under test it uses only the forward. */
function errorOf({ layer, weights, masks, windows }: ToyLayer, updates: Updates): number {
  return tf.tidy(() => {
    const used = maskedWeights(weights, masks, updates);
    const errors = windows.flatMap((window) => [...layerErrors(layer, used, window).dataSync<'float32'>()]);
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  });
}

const bitsOf = (updates: Updates): unknown => [...updates].map(([name, values]) => [name, Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex')]);

/** Registers the tests for one engine, because a process opens only one. */
export function testReconstruction(backend: 'auto' | 'wasm'): void {
  beforeAll(() => openTestEngine(backend));

  describe(`reconstructLayer (${backend})`, () => {
    it.each(families)('lowers the error of training windows and others, keeps to the mask, and leaves no tensor: %s', async (family) => {
      const toy = await toyLayer(family, [5, 5, 6]);
      const { layer, weights: dense, masks, windows } = toy;
      const request = { layer, dense, masks, windows, heldOut: 4, epochs: 6, rate: 0.03 };
      const tensors = tf.memory().numTensors - heldConstants();
      const made = await reconstructLayer(request);
      expect(tf.memory().numTensors - heldConstants()).toBe(tensors);
      expect(made.epochs.length).toBe(6);
      expect(made.accepted).toBe(true);
      expect(made.epochs[5].trainError).toBeLessThan(0.75 * made.epochs[0].trainError);
      expect(made.error).toBeLessThan(0.7 * made.errorBefore);
      expect([...made.updates.keys()]).toEqual(linearsOf(layer).map(({ name }) => name));
      for (const [name, values] of made.updates) {
        const start = dense.get(name)!.dataSync<'float32'>();
        values.forEach((value, i) => { if (masks.get(name)![i] === 0) expect(Object.is(value, 0)).toBe(true); });
        expect(values.some((value, i) => masks.get(name)![i] === 1 && value !== start[i])).toBe(true);
      }
      expect(bitsOf((await reconstructLayer(request)).updates)).toEqual(bitsOf(made.updates));
      toy.dispose();
    });

    it('takes the epoch with the lowest held-out error, and reports the error after rounding', async () => {
      const toy = await toyLayer('llama', [1, 8]);
      const { layer, weights: dense, masks, windows } = toy;
      // One window teaches much that does not hold for others.
      const made = await reconstructLayer({ layer, dense, masks, windows, heldOut: 8, epochs: 40, rate: 0.1 });
      const errors = made.epochs.map(({ heldOutError }) => heldOutError!);
      const lowest = Math.min(...errors);
      expect(errors.at(-1)).toBeGreaterThan(lowest);
      expect(made.error).toBeCloseTo(lowest, 6);
      // It stopped as soon as the error had risen twice in a row.
      const risen = errors.map((error, i) => error > (errors[i - 1] ?? made.errorBefore));
      const twice = risen.findIndex((rise, i) => rise && risen[i - 1]);
      expect(errors.length).toBe(twice === -1 ? 40 : twice + 1);

      const round = (_: string, values: Float32Array): Float32Array => values.map((value) => Math.round(value * 8) / 8);
      const coarse = await reconstructLayer({ layer, dense, masks, windows, heldOut: 8, epochs: 40, rate: 0.1, round });
      expect(bitsOf(coarse.epochs.length === made.epochs.length ? coarse.updates : new Map())).not.toEqual(bitsOf(made.updates));
      if (coarse.accepted) for (const values of coarse.updates.values()) expect(values.every((value) => Number.isInteger(value * 8))).toBe(true);
      const expected = new Map([...made.updates].map(([name, values]) => [name, round(name, values)]));
      expect(coarse.error).toBeCloseTo(errorOf({ ...toy, windows: windows.slice(1) }, expected), 6);
      expect(coarse.accepted).toBe(coarse.error < coarse.errorBefore);
      // The rounding sets all weights to zero.
      const flat = await reconstructLayer({ layer, dense, masks, windows, heldOut: 8, epochs: 2, rate: 0.1, round: (_, values) => values.map(() => 0) });
      expect(flat).toMatchObject({ accepted: false, errorBefore: made.errorBefore });
      expect(flat.error).toBeGreaterThan(flat.errorBefore);
      expect(flat.updates.size).toBe(0);
      toy.dispose();
    });

    it.each([0, 3])('keeps the start if the rate is absurd, with %d windows held out', async (heldOut) => {
      const toy = await toyLayer('llama', [6]);
      const { layer, weights: dense, masks, windows } = toy;
      const name = linearsOf(layer)[0].name;
      const values = dense.get(name)!.dataSync<'float32'>().map((value) => value * 1.1);
      const start = new Map([[name, values], ['of another layer', values]]);
      const round = (): never => { throw new Error('not finite'); };
      for (const rate of [10, 1e30]) {
        const made = await reconstructLayer({ layer, dense, masks, windows, start, heldOut, epochs: 5, rate, round });
        expect(made.accepted).toBe(false);
        expect(made.error).toBe(made.errorBefore);
        expect([...made.updates]).toEqual([[name, values]]);
        expect(made.updates.get(name)).not.toBe(values);
      }
      toy.dispose();
    });

    it('begins with the start, and takes the same steps for all batches', async () => {
      const toy = await toyLayer('llama', [2, 3, 1]);
      const { layer, weights: dense, masks, windows } = toy;
      const start = new Map(linearsOf(layer).map(({ name }) => [name, dense.get(name)!.dataSync<'float32'>().map((value) => value * 1.05)]));
      const request = { layer, dense, masks, start, epochs: 3, rate: 0.02 };
      const made = await reconstructLayer({ ...request, windows });
      expect(made.errorBefore).toBeCloseTo(errorOf(toy, start), 6);
      expect(made.error).toBeCloseTo(errorOf(toy, made.updates), 6);
      expect(made.epochs.every(({ heldOutError }) => heldOutError === undefined)).toBe(true);
      // If the steps of the only epoch were worse than the start in between, only the end counts.
      const once = await reconstructLayer({ ...request, windows, epochs: 1, rate: 0.001 });
      expect(once).toMatchObject({ accepted: true, epochs: [{ trainError: expect.any(Number) as number }] });
      expect(once.error).toBeLessThan(once.errorBefore);
      const whole = { h: tf.concat<Tensor3D>(windows.map(({ h }) => h)), target: tf.concat<Tensor3D>(windows.map(({ target }) => target)) };
      expect(bitsOf((await reconstructLayer({ ...request, windows: [whole] })).updates)).toEqual(bitsOf(made.updates));
      tf.dispose([whole.h, whole.target]);
      toy.dispose();
    });

    it('leaves weights of dead inputs, and a fully pruned linear, unchanged', async () => {
      const toy = await toyLayer('llama', [6]);
      const { layer, masks, windows } = toy;
      const [q, k, v] = linearsOf(layer);
      const normName = layer.tensors.find(({ name }) => name.includes('input_layernorm'))!.name;
      const norm = tf.tensor1d([1, 1, 0, 1, 1, 1, 1, 1]);
      const dense = new Map(toy.weights).set(normName, norm);
      const made = await reconstructLayer({ layer, dense, masks: new Map(masks).set(k.name, new Uint8Array(4 * 8)), windows, epochs: 3, rate: 0.03 });
      expect(made.accepted).toBe(true);
      for (const { name } of [q, v]) {
        const before = dense.get(name)!.dataSync<'float32'>();
        made.updates.get(name)!.forEach((value, i) => { if (i % 8 === 2) expect(value).toBe(masks.get(name)![i] === 1 ? before[i] : 0); });
      }
      expect(made.updates.get(k.name)!.every((value) => value === 0)).toBe(true);
      norm.dispose();
      toy.dispose();
    });

    it('leaves no tensor if it fails, and refuses values out of range', async () => {
      const toy = await toyLayer('opt', [3, 2]);
      const { layer, weights: dense, masks, windows } = toy;
      const request = { layer, dense, masks, windows, heldOut: 1, epochs: 2, rate: 0.03 };
      await reconstructLayer(request);
      const tensors = tf.memory().numTensors;
      const fails = async (change: object, error: string | RegExp | typeof PruningInputError): Promise<void> => {
        await expect(reconstructLayer({ ...request, ...change })).rejects.toThrow(error);
        expect(tf.memory().numTensors).toBe(tensors);
      };
      await fails({ round: () => { throw new Error('rounded'); } }, 'rounded');
      await fails({ masks: new Map() }, PruningInputError);
      await fails({ heldOut: 5 }, PruningInputError);
      for (const epochs of [0, 1.5, NaN]) await fails({ epochs }, PruningInputError);
      for (const rate of [0, -1, NaN, Infinity]) await fails({ rate }, PruningInputError);
      toy.dispose();
    });
  });
}
