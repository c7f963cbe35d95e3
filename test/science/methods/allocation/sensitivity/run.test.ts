import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor, Tensor3D } from '../../../../../science/engine/index.js';
import { tokenLosses } from '../../../../../science/evaluation/index.js';
import { heldConstants, linearsOf, modelFromConfig, runDecoderLayer } from '../../../../../science/models/index.js';
import { layerForward, layerSensitivity, lossGradient } from '../../../../../science/methods/index.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { allTensors } from '../../../../helpers/load-model.js';
import { toyLayer } from '../../parts/reconstruct/toy-layer.js';

beforeAll(() => openTestEngine());

const model = modelFromConfig(
  {
    model_type: 'llama', hidden_size: 8, intermediate_size: 12, num_hidden_layers: 2, num_attention_heads: 2, num_key_value_heads: 1,
    vocab_size: 7, max_position_embeddings: 16, rms_norm_eps: 1e-5, rope_theta: 10000, hidden_act: 'silu', tie_word_embeddings: false,
  },
  'config.json',
);
const layers = [0, 1].map((index) => model.decoderLayer(index));
const windows = [[1, 4, 2, 6, 0], [3, 3, 5, 1, 2], [0, 6, 1, 1, 4]];
const batches = [windows.slice(0, 2), windows.slice(2)];

function randomWeights(): Map<string, Tensor> {
  return new Map(allTensors(model).map(({ name, shape }, seed) => [name, tf.randomNormal([...shape], shape.length === 1 ? 1 : 0, 0.5, 'float32', seed + 1)]));
}

const embed = (ids: number[][], weights: Map<string, Tensor>): Tensor3D => tf.tidy(() => model.embed(tf.tensor2d(ids, undefined, 'int32'), weights));

/** The loss, summed over the tokens of one window. */
async function lossOf(window: number[], weights: Map<string, Tensor>): Promise<number> {
  let hidden = [embed([window], weights)];
  for (const layer of layers) hidden = await layerForward({ layer, hidden, weights });
  const ids = tf.tensor2d([window], undefined, 'int32');
  const losses = tokenLosses(model, weights, hidden[0], ids);
  tf.dispose([hidden[0], ids]);
  return losses.reduce((sum, loss) => sum + loss, 0);
}

/** Mean over weights and windows of the squared slope, found by moving one weight at a time. */
async function bySlopes(name: string, weights: Map<string, Tensor>): Promise<number> {
  const original = weights.get(name)!;
  const values = await original.data<'float32'>();
  const step = 1e-2;
  let sum = 0;
  for (const i of values.keys()) {
    for (const window of windows) {
      const sides: number[] = [];
      for (const shift of [step, -step]) {
        const moved = tf.tensor(values.map((value, k) => (k === i ? value + shift : value)), original.shape);
        sides.push(await lossOf(window, new Map(weights).set(name, moved)));
        moved.dispose();
      }
      sum += ((sides[0] - sides[1]) / (2 * step)) ** 2;
    }
  }
  return sum / (values.length * windows.length);
}

describe('layerSensitivity', () => {
  it('is the mean squared slope of the loss of a window, layer by layer from the last, for all batches', async () => {
    const weights = randomWeights();
    const tensors = tf.memory().numTensors - heldConstants();
    const streams = [batches.map((ids) => embed(ids, weights))];
    for (const layer of layers) streams.push(await layerForward({ layer, hidden: streams[layer.index], weights, keepInput: true }));
    // The chunk size is so small that logits come in several chunks.
    let gradients = batches.map((batch, index) => tf.tidy(() => lossGradient(model, weights, streams[2][index], tf.tensor2d(batch, undefined, 'int32'), 20)));
    const scores = new Map<string, number>();
    for (const layer of layers.toReversed()) {
      const result = await layerSensitivity({ layer, hidden: streams[layer.index], gradients, weights });
      gradients = result.gradients;
      for (const [name, score] of result.scores) scores.set(name, score);
    }
    tf.dispose([streams, gradients]);
    expect(tf.memory().numTensors - heldConstants()).toBe(tensors);
    expect(scores.size).toBe(14);
    for (const name of ['layers.1.mlp.down_proj', 'layers.1.self_attn.k_proj', 'layers.0.self_attn.v_proj', 'layers.0.mlp.gate_proj']) {
      const score = scores.get(`model.${name}.weight`)!;
      expect(score / (await bySlopes(`model.${name}.weight`, weights))).toBeCloseTo(1, 2);
    }
  });
});

it('gives squared gradients of whole experts over the windows, and the gradient before the layer', async () => {
  const toy = await toyLayer('qwen2Moe', [2, 1], 6);
  const { layer, weights } = toy;
  const hidden = toy.windows.map(({ h }) => h);
  const behind = hidden.map((h, seed) => tf.randomNormal<Tensor3D['rankType']>(h.shape, 0, 1, 'float32', seed + 7));
  const names = linearsOf(layer).map(({ name }) => name);
  const expected = new Map(names.map((name) => [name, 0]));
  const before: Tensor[] = [];
  for (const [index, h] of hidden.entries()) {
    for (let window = 0; window < h.shape[0]; window++) {
      const one = (batch: Tensor3D): Tensor3D => batch.slice([window, 0, 0], [1, -1, -1]);
      const through = (stream: Tensor, ...values: Tensor[]): Tensor => runDecoderLayer(layer, stream as Tensor3D, new Map([...weights, ...names.map((name, i): [string, Tensor] => [name, values[i]])]));
      const [ofStream, ...ofWeights] = tf.grads(through)([one(h), ...names.map((name) => weights.get(name)!)], one(behind[index]));
      before.push(ofStream);
      for (const [i, name] of names.entries()) expected.set(name, expected.get(name)! + ofWeights[i].square().mean().dataSync()[0] / 3);
    }
  }
  const made = await layerSensitivity({ layer, hidden, gradients: behind, weights });
  for (const [name, score] of made.scores) expect(score / expected.get(name)!, name).toBeCloseTo(1, 4);
  const far = tf.concat(made.gradients, 0).sub(tf.concat(before, 0)).abs().max().dataSync()[0];
  expect(far).toBeLessThan(1e-4);
  toy.dispose();
});
