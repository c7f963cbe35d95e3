import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor, Tensor3D } from '../../../../../science/engine/index.js';
import { layerErrors, layerGradients } from '../../../../../science/methods/parts/reconstruct/layer-gradients.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { configs, toyLayer } from './toy-layer.js';

beforeAll(() => openTestEngine());

/** Slopes of the error, found by moving one element at a time. Only every `every`-th element is moved. */
function bySlopes(weights: Map<string, Tensor>, name: string, every: number, errorOf: (weights: Map<string, Tensor>) => number): number[] {
  const original = weights.get(name)!;
  const values = original.dataSync<'float32'>();
  const step = 1e-2;
  return Array.from({ length: Math.ceil(values.length / every) }, (_, place) => place * every).map((i) => {
    const [up, down] = [step, -step].map((shift) => {
      const moved = tf.tensor(values.map((value, k) => (k === i ? value + shift : value)), original.shape);
      const error = errorOf(new Map(weights).set(name, moved));
      moved.dispose();
      return error;
    });
    return (up - down) / (2 * step);
  });
}

describe('layerGradients', () => {
  it.each(Object.keys(configs) as (keyof typeof configs)[])('match the slopes of the error of a layer of %s, norms included', async (family) => {
    const toy = await toyLayer(family, [2], 6);
    const { layer, weights, windows } = toy;
    // The targets are far away, so that slopes are large.
    const window = { h: windows[0].h, target: tf.tidy(() => windows[0].target.mul<Tensor3D>(-1)) };
    const trained = layer.tensors.map(({ name }) => name).filter((name) => name.endsWith('.weight'));
    expect(trained.length).toBe({ llama: 9, opt: 8, optPostNorm: 8, qwen3: 11, olmo2: 11, gemma2: 11, granite: 9, gptNeox: 8, mixtral: 16, qwen2Moe: 23 }[family]);
    const every = layer.subBlocks.length > 2 ? 7 : 1;
    const { error, gradients } = layerGradients(layer, weights, trained, window);
    const errorOf = (used: Map<string, Tensor>): number => tf.tidy(() => layerErrors(layer, used, window).mean().dataSync()[0]);
    expect(error.dataSync()[0]).toBeCloseTo(errorOf(weights), 4);
    for (const [index, name] of trained.entries()) {
      expect(gradients[index].shape).toEqual(weights.get(name)!.shape);
      const expected = bySlopes(weights, name, every, errorOf);
      const scale = Math.max(...expected.map(Math.abs));
      expect(scale).toBeGreaterThan(1e-3);
      const off = expected.map((slope, place) => Math.abs(gradients[index].dataSync<'float32'>()[place * every] - slope));
      expect(Math.max(...off) / scale, name).toBeLessThan(0.02);
    }
    tf.dispose([error, gradients, window.target]);
    toy.dispose();
  });
});
