import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { selectOn, startLedger, tf, type Tensor, type Tensor3D } from '../../../../science/engine/index.js';
import { disposeMasks, initialMethodOf, MaskSet, type MaskTarget, type Masks } from '../../../../science/methods/index.js';
import { linearsOf, modelFromConfig } from '../../../../science/models/index.js';
import { openTestEngine } from '../../../helpers/engine.js';
import { needs, where } from '../../../helpers/needs.js';

const config = { model_type: 'llama', vocab_size: 8, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1 };
const layer = modelFromConfig(config, 'config.json').decoderLayer(0);
const linears = linearsOf(layer);
const size = linears.reduce((sum, { shape }) => sum + shape[0] * shape[1], 0);

/** Weights with few distinct values, so that many scores are equal. */
function weightsOf(seed: number): Map<string, Tensor> {
  return new Map(layer.tensors.map(({ name, shape }, i) => [name, tf.tidy(() => tf.randomUniform([...shape], -4, 4, 'float32', seed + i).round().div(4))]));
}

type Selected = 'host' | 'device';

async function masksOf(method: 'magnitude' | 'wanda', place: Selected, target: MaskTarget, seed: number): Promise<Masks> {
  selectOn(place);
  const weights = weightsOf(seed);
  const hidden = [tf.randomNormal<Tensor3D['rankType']>([2, 5, 16], 0, 1, 'float32', seed + 99)];
  const { run } = await initialMethodOf(method).load();
  const { masks } = await run({
    layer, weights, hidden, targetOf: ({ shape }) => ({ ...target, ...(target.pruned !== undefined && { pruned: Math.min(target.pruned, shape[0] * shape[1]) }) }),
    settings: {}, round: (_, values) => values, readSource: () => Promise.reject(new Error('no source')), onProgress: () => undefined,
  });
  tf.dispose([...weights.values(), ...hidden]);
  return masks;
}

const plain = (masks: Masks): Record<string, number[]> => Object.fromEntries(linears.map(({ name }) => [name, [...(masks.get(name) ?? [])]]));

const targets: fc.Arbitrary<MaskTarget> = fc.oneof(
  fc.record({ sparsity: fc.double({ min: 0.01, max: 0.99, noNaN: true }), pattern: fc.constant({ kind: 'unstructured' as const }) }),
  fc.record({ sparsity: fc.constant(0.5), pattern: fc.constant({ kind: 'unstructured' as const }), pruned: fc.integer({ min: 0, max: 400 }) }),
  fc.record({ sparsity: fc.constant(0.5), pattern: fc.constantFrom({ kind: 'N:M' as const, keep: 2, of: 4 }, { kind: 'N:M' as const, keep: 1, of: 4 }, { kind: 'N:M' as const, keep: 4, of: 8 }) }),
);

describe('initial masks selected on the device', where(needs.tensorflow), () => {
  beforeAll(async () => {
    await openTestEngine('tensorflow');
  });
  afterEach(() => { selectOn(undefined); });

  it.each(['magnitude', 'wanda'] as const)('%s: match the host, ties and budgets included, and leave no tensor', async (method) => {
    await masksOf(method, 'host', { sparsity: 0.5, pattern: { kind: 'unstructured' } }, 1);
    await fc.assert(fc.asyncProperty(targets, fc.integer({ min: 1, max: 1000 }), async (target, seed) => {
      const expected = plain(await masksOf(method, 'host', target, seed));
      const before = tf.memory().numTensors;
      const masks = await masksOf(method, 'device', target, seed);
      expect(plain(masks)).toEqual(expected);
      disposeMasks(masks);
      expect(tf.memory().numTensors).toBe(before);
    }), { numRuns: 12, seed: 7 });
  });

  it('transfer one bit for each weight', async () => {
    const end = startLedger();
    const masks = await masksOf('magnitude', 'device', { sparsity: 0.5, pattern: { kind: 'unstructured' } }, 1);
    expect(masks).toBeInstanceOf(MaskSet);
    for (const { name } of linears) (masks as MaskSet).bits(name);
    // The masks, and for each linear whether its scores are finite.
    expect(end().down).toBeLessThanOrEqual(4 * linears.reduce((sum, { shape }) => sum + Math.ceil((shape[0] * shape[1]) / 32) + 1, 0));
    expect(size).toBe(16 * (16 + 8 + 8 + 16 + 24 * 3));
    disposeMasks(masks);
  });

  it('report values that are not finite', async () => {
    selectOn('device');
    const weights = weightsOf(1);
    const name = 'model.layers.0.self_attn.o_proj.weight';
    const values = weights.get(name)!.dataSync().slice();
    values[17] = NaN;
    weights.set(name, tf.tensor(values, [16, 16]));
    const { run } = await initialMethodOf('magnitude').load();
    const before = tf.memory().numTensors;
    const request = { layer, weights, hidden: [], targetOf: () => ({ sparsity: 0.5, pattern: { kind: 'unstructured' as const } }), settings: {}, round: (_: string, x: Float32Array) => x, readSource: () => Promise.reject(new Error('no source')), onProgress: () => undefined };
    await expect(run(request)).rejects.toThrow(/weight of model.layers.0.self_attn.o_proj.weight: NaN at row 1, column 1/);
    expect(tf.memory().numTensors).toBe(before);
  });
});
