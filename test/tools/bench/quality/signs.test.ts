import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf, type Tensor, type Tensor2D, type Tensor3D } from '../../../../science/engine/index.js';
import { layerForward } from '../../../../science/methods/index.js';
import { modelFromConfig } from '../../../../science/models/index.js';
import { SignMeter } from '../../../../tools/bench/quality/signs.js';
import { openTestEngine } from '../../../helpers/engine.js';
import { configs, toyLayer, type ToyLayer } from '../../../science/methods/parts/reconstruct/toy-layer.js';

const model = modelFromConfig(configs.llama, 'config.json');
let toy: ToyLayer;
let head: Map<string, Tensor>;
beforeAll(async () => {
  await openTestEngine();
  toy = await toyLayer('llama', [2, 1]);
  head = new Map(model.headTensors.map(({ name, shape }, index) => [name, tf.randomNormal([...shape], 1, 0.5, 'float32', index)]));
});
afterAll(() => { toy.dispose(); tf.dispose([...head.values()]); });

const embedded = (): Tensor3D[] => toy.windows.map(({ h }) => h);
const flat = (batches: readonly Tensor3D[]): number[] => batches.flatMap((batch) => [...batch.dataSync<'float32'>()]);
const squares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value ** 2, 0);
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, index) => value - b[index]);

/** Computes the signs after the toy's only layer, which is the whole model. */
async function signsOf(masks: ToyLayer['masks']) {
  const meter = SignMeter.begin(embedded());
  const after = await layerForward({ layer: toy.layer, hidden: embedded(), weights: toy.weights, masks, keepInput: true });
  await meter.advance(toy.layer, toy.weights, embedded(), after);
  const signs = meter.finish(model, head, after);
  meter.dispose();
  return { signs, after };
}

describe('signs of a pruned model', () => {
  it('are 0 for the dense model', async () => {
    const { signs, after } = await signsOf(new Map());
    tf.dispose(after);
    expect(signs).toEqual({ layerError: 0, pathError: 0, divergence: 0 });
  });

  it('are squared distances in double precision, and the divergence of the softmax', async () => {
    const before = tf.memory().numTensors;
    const { signs, after } = await signsOf(toy.masks);
    const dense = await layerForward({ layer: toy.layer, hidden: embedded(), weights: toy.weights, keepInput: true });
    const [wanted, made, began] = [dense, after, embedded()].map(flat);
    expect(signs.layerError).toBeCloseTo(squares(minus(made, wanted)) / squares(minus(wanted, began)), 5);
    expect(signs.pathError).toBeCloseTo(squares(minus(made, wanted)) / squares(wanted), 5);

    const odds = (batches: readonly Tensor3D[]): number[][] => batches.flatMap((batch) => {
      const rows = tf.tidy(() => model.head(batch, head).reshape<Tensor2D>([-1, model.vocabularySize]).arraySync());
      return rows.map((row) => {
        const weights = row.map((value) => Math.exp(value - Math.max(...row)));
        return weights.map((weight) => weight / weights.reduce((sum, one) => sum + one, 0));
      });
    });
    const [p, q] = [odds(dense), odds(after)];
    const sum = p.reduce((total, row, token) => total + row.reduce((part, value, word) => part + value * Math.log(value / q[token][word]), 0), 0);
    expect(signs.divergence).toBeCloseTo(sum / p.length, 5);
    expect(signs.divergence).toBeGreaterThan(0.001);
    tf.dispose([after, dense]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
