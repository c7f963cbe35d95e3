import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf, type Tensor, type Tensor3D } from '../../engine/index.js';
import { disposeConstants, heldConstants, modelFromConfig, type SubBlock } from '../../models/index.js';
import { openTestEngine } from '../helpers/engine.js';

beforeAll(() => openTestEngine());
afterAll(disposeConstants);

interface Sizes {
  batch: number;
  time: number;
  keyValueHeads: number;
  group: number;
  headDim: number;
}

/** Plain loops in double precision: the definition, one query position at a time, repeated heads and all. */
function attentionByHand([q, k, v]: number[][], { batch, time, keyValueHeads, group, headDim }: Sizes): number[] {
  const heads = keyValueHeads * group;
  const half = headDim / 2;
  const out = new Array<number>(batch * time * heads * headDim).fill(0);
  const turned = (values: number[], width: number, b: number, t: number, head: number) => {
    const x = values.slice((b * time + t) * width + head * headDim).slice(0, headDim);
    return x.map((value, i) => {
      const angle = t * 10_000 ** (-(i % half) / half);
      return value * Math.cos(angle) + (i < half ? -x[i + half] : x[i - half]) * Math.sin(angle);
    });
  };
  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < heads; head++) {
      const shared = Math.floor(head / group);
      for (let t = 0; t < time; t++) {
        const query = turned(q, heads * headDim, b, t, head);
        const scores = Array.from({ length: t + 1 }, (_, s) => {
          const key = turned(k, keyValueHeads * headDim, b, s, shared);
          return query.reduce((sum, value, i) => sum + value * key[i], 0) / Math.sqrt(headDim);
        });
        const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
        scores.forEach((score, s) => {
          for (let i = 0; i < headDim; i++) {
            const value = v[(b * time + s) * keyValueHeads * headDim + shared * headDim + i];
            out[(b * time + t) * heads * headDim + head * headDim + i] += (Math.exp(score) / total) * value;
          }
        });
      }
    }
  }
  return out;
}

function gatedSiluByHand([gate, up]: number[][]): number[] {
  return gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]);
}

function subBlocks({ keyValueHeads, group, headDim }: Sizes): readonly [SubBlock, SubBlock] {
  const config = {
    model_type: 'llama', vocab_size: 8, hidden_size: 8, intermediate_size: 6, num_hidden_layers: 1,
    num_attention_heads: keyValueHeads * group, num_key_value_heads: keyValueHeads, head_dim: headDim,
  };
  return modelFromConfig(config, 'config.json').decoderLayer(0).subBlocks;
}

/** Deterministic numbers of about unit size. */
function noise(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => 1.5 * Math.sin(12.9898 * (i + 1) + 78.233 * seed + i * i * 0.37));
}

/** Checks value and vector-Jacobian product of a core against the definition and its central differences. */
function checkCore(core: SubBlock, byHand: (inputs: number[][]) => number[], batch: number, time: number): void {
  const shapes = core.inputs.map(({ shape: [out] }) => [batch, time, out] as [number, number, number]);
  const inputs = shapes.map((shape, i) => noise(shape[0] * shape[1] * shape[2], i + 1));
  const before = tf.memory().numTensors - heldConstants();

  const tensors = inputs.map((values, i) => tf.tensor3d(values, shapes[i]));
  const value = core.core(tensors, new Map());
  const expected = byHand(inputs);
  value.dataSync().forEach((x, i) => expect(x).toBeCloseTo(expected[i], 4));

  const dyValues = noise(expected.length, 9);
  const dy = tf.tensor3d(dyValues, value.shape);
  const gradients = tf.grads((...xs: Tensor[]) => core.core(xs as Tensor3D[], new Map()))(tensors, dy);
  const project = () => byHand(inputs).reduce((sum, y, i) => sum + y * dyValues[i], 0);
  gradients.forEach((gradient, k) => {
    const computed = gradient.dataSync();
    inputs[k].forEach((x, i) => {
      const step = 1e-5;
      inputs[k][i] = x + step;
      const above = project();
      inputs[k][i] = x - step;
      const below = project();
      inputs[k][i] = x;
      expect(computed[i]).toBeCloseTo((above - below) / (2 * step), 3);
    });
  });

  tf.dispose([...tensors, value, dy, ...gradients]);
  expect(tf.memory().numTensors - heldConstants()).toBe(before);
}

const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  time: fc.integer({ min: 1, max: 4 }),
  keyValueHeads: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 3 }),
  headDim: fc.constantFrom(2, 4),
});

describe('core of a sub-block: value, gradient by finite differences, no leak', () => {
  it('attention, for any grouping of heads', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        checkCore(subBlocks(size)[0], (inputs) => attentionByHand(inputs, size), size.batch, size.time);
      }),
      { numRuns: 15, seed: 3 },
    );
  });

  it('gated MLP', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        checkCore(subBlocks(size)[1], gatedSiluByHand, size.batch, size.time);
      }),
      { numRuns: 5, seed: 3 },
    );
  });
});
