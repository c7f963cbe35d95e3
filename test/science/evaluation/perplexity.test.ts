import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf, type Tensor2D, type Tensor3D } from '../../../science/engine/index.js';
import { NonFiniteLossError, NothingScoredError, perplexity, tokenLosses } from '../../../science/evaluation/index.js';
import { disposeConstants, heldConstants, runDecoderLayer, type DecoderModel } from '../../../science/models/index.js';
import { openTestEngine } from '../../helpers/engine.js';
import { goldenModels } from '../../helpers/golden.js';
import { loadModel, readArrays } from '../../helpers/load-model.js';
import { recorded } from '../methods/golden-data.js';

beforeAll(() => openTestEngine());
afterAll(disposeConstants);

describe('dense perplexity', () => {
  it.each(goldenModels)('matches the public reference on $name', async (golden) => {
    const { model, weights } = await loadModel(golden.model);
    const { shape, values } = readArrays(join(golden.data, 'tokens.safetensors'))['evaluation'];
    const windows = tf.tensor2d(values, shape as [number, number], 'int32');
    const before = tf.memory().numTensors - heldConstants();
    let sum = 0;
    let count = 0;
    for (let start = 0; start < shape[0]; start += 16) {
      const [ids, h] = tf.tidy(() => {
        const ids = windows.slice([start, 0], [16, -1]);
        let h = model.embed(ids, weights);
        for (let layer = 0; layer < model.layers; layer++) h = runDecoderLayer(model.decoderLayer(layer), h, weights);
        return [ids, h] as [Tensor2D, Tensor3D];
      });
      for (const loss of tokenLosses(model, weights, h, ids)) sum += loss;
      count += 16 * (shape[1] - 1);
      tf.dispose([ids, h]);
    }
    expect(Math.abs(perplexity(sum, count) / recorded(golden).dense_ppl - 1)).toBeLessThan(1e-5);
    expect(tf.memory().numTensors - heldConstants()).toBe(before);
    tf.dispose([windows, ...weights.values()]);
  });
});

/** A model whose logits are its hidden states. Scoring needs nothing else. */
function passThrough(vocabularySize: number): DecoderModel {
  return { vocabularySize, head: (h: Tensor3D) => h.clone() } as unknown as DecoderModel;
}

const rows = [
  [[0, 1, 2], [3, 1000, -1000], [0, 0, 0]],
  [[-5, 5, 0.5], [1, 1, 1], [9, 9, 9]],
];
const ids = [[0, 2, 1], [1, 0, 2]];
/** Computed in double precision for the first two positions of each window. */
const expected = [0, 1].flatMap((b) => [0, 1].map((t) => {
  const row = rows[b][t];
  const top = Math.max(...row);
  return top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0)) - row[ids[b][t + 1]];
}));

describe('tokenLosses', () => {
  it.each([1, 3, 7, 1000])('scores all tokens but the first, stably, with at most %i logits at once', (limit) => {
    const losses = tokenLosses(passThrough(3), new Map(), tf.tensor3d(rows), tf.tensor2d(ids, [2, 3], 'int32'), limit);
    expect(losses).toHaveLength(4);
    losses.forEach((loss, i) => expect(loss).toBeCloseTo(expected[i], 5));
  });

  it('names the window and token that is not finite', () => {
    const broken = tf.tensor3d([rows[0], [[1, 1, 1], [1, NaN, 1], [1, 1, 1]]]);
    const score = () => tokenLosses(passThrough(3), new Map(), broken, tf.tensor2d(ids, [2, 3], 'int32'));
    expect(score).toThrow(NonFiniteLossError);
    expect(score).toThrow(/token 2 of window 1 is NaN/);
  });
});

describe('perplexity', () => {
  it('of a uniform guess is the number of choices', () => {
    expect(perplexity(10 * Math.log(7), 10)).toBeCloseTo(7, 12);
  });

  it('is refused for zero tokens', () => {
    expect(() => perplexity(0, 0)).toThrow(NothingScoredError);
  });
});
