import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tf, type Tensor, type Tensor3D } from '../../../science/engine/index.js';
import { disposeConstants, heldConstants, modelFromConfig, type SubBlock, type Weights } from '../../../science/models/index.js';
import { openTestEngine } from '../../helpers/engine.js';

beforeAll(() => openTestEngine());
afterAll(disposeConstants);

interface Sizes {
  batch: number;
  time: number;
  keyValueHeads: number;
  group: number;
  headDim: number;
  window?: number;
  /** Weights of the query and key norms: each `[headDim]`, or as wide as the projection, which is then normed as a whole. */
  norms?: { q: number[]; k: number[] };
  /** Factor of the scores if it is not `1 / sqrt(headDim)`; `softcap` is their bound. */
  scale?: number;
  softcap?: number;
  /** Extra factor of queries and keys, besides their rotation. */
  amplitude?: number;
  /** Number of rotated dimensions of a head, if not all are. */
  turned?: number;
  /** Bound of queries, keys and values after the norms. */
  bound?: number;
  /** True if the attention does not use positions. */
  learnedPositions?: boolean;
}

const epsilon = 1e-2;

/** The definition as plain loops in double precision, one query position at a time, with repeated heads. */
function attentionByHand([q, k, v]: number[][], size: Sizes): number[] {
  const { batch, time, keyValueHeads, group, headDim, window = time, norms, learnedPositions, bound = Infinity, amplitude = 1, scale = 1 / Math.sqrt(headDim), softcap } = size;
  const heads = keyValueHeads * group;
  const bounded = (value: number): number => Math.min(bound, Math.max(-bound, value));
  const half = (size.turned ?? headDim) / 2;
  const out = new Array<number>(batch * time * heads * headDim).fill(0);
  const turned = (values: number[], width: number, b: number, t: number, head: number, norm?: number[]) => {
    const start = (b * time + t) * width;
    let x = values.slice(start + head * headDim).slice(0, headDim);
    if (norm !== undefined) {
      const whole = norm.length === headDim ? x : values.slice(start, start + width);
      const length = Math.sqrt(whole.reduce((sum, value) => sum + value * value, 0) / whole.length + epsilon);
      x = x.map((value, i) => (value / length) * norm[(head * headDim + i) % norm.length]);
    }
    x = x.map(bounded);
    if (learnedPositions) return x;
    return x.map((value, i) => {
      if (i >= 2 * half) return value;
      const angle = t * 10_000 ** (-(i % half) / half);
      return amplitude * (value * Math.cos(angle) + (i < half ? -x[i + half] : x[i - half]) * Math.sin(angle));
    });
  };
  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < heads; head++) {
      const shared = Math.floor(head / group);
      for (let t = 0; t < time; t++) {
        const query = turned(q, heads * headDim, b, t, head, norms?.q);
        const first = Math.max(0, t - window + 1);
        const scores = Array.from({ length: t + 1 - first }, (_, seen) => {
          const key = turned(k, keyValueHeads * headDim, b, first + seen, shared, norms?.k);
          const score = query.reduce((sum, value, i) => sum + value * key[i], 0) * scale;
          return softcap === undefined ? score : softcap * Math.tanh(score / softcap);
        });
        const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
        scores.forEach((score, seen) => {
          for (let i = 0; i < headDim; i++) {
            const value = bounded(v[(b * time + first + seen) * keyValueHeads * headDim + shared * headDim + i]);
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

/** GELU by its definition with tanh. */
function gatedGeluByHand([gate, up]: number[][]): number[] {
  return gate.map((g, i) => 0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3))) * up[i]);
}

function subBlocks({ keyValueHeads, group, headDim }: Sizes, changes: Record<string, unknown> = {}): readonly SubBlock[] {
  const config = {
    model_type: 'llama', vocab_size: 8, hidden_size: 8, intermediate_size: 6, num_hidden_layers: 1, rms_norm_eps: epsilon,
    num_attention_heads: keyValueHeads * group, num_key_value_heads: keyValueHeads, head_dim: headDim, ...changes,
  };
  return modelFromConfig(config, 'config.json').decoderLayer(0).subBlocks;
}

function optSubBlocks({ keyValueHeads: heads, headDim }: Sizes, activation = 'relu'): readonly SubBlock[] {
  const config = {
    model_type: 'opt', vocab_size: 8, hidden_size: heads * headDim, ffn_dim: 6, num_hidden_layers: 1, num_attention_heads: heads,
    activation_function: activation,
  };
  return modelFromConfig(config, 'config.json').decoderLayer(0).subBlocks;
}

/** `z Phi(z)`, with the normal distribution integrated from 0 by Simpson's rule. */
function geluByHand([z]: number[][]): number[] {
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  return z.map((x) => {
    const steps = 200;
    let area = 0;
    for (let i = 0; i < steps; i++) {
      const [from, to] = [(x * i) / steps, (x * (i + 1)) / steps];
      area += ((to - from) / 6) * (density(from) + 4 * density((from + to) / 2) + density(to));
    }
    return x * (0.5 + area);
  });
}

/** Deterministic numbers of about unit size. */
function noise(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => 1.5 * Math.sin(12.9898 * (i + 1) + 78.233 * seed + i * i * 0.37));
}

/** Compares value and vector-Jacobian product of a core with the definition and its central differences. */
function checkCore(core: SubBlock, byHand: (inputs: number[][]) => number[], { batch, time }: Sizes, weights: Weights = new Map()): void {
  const shapes = core.inputs.map(({ shape: [out] }) => [batch, time, out] as [number, number, number]);
  const inputs = shapes.map((shape, i) => noise(shape[0] * shape[1] * shape[2], i + 1));
  const before = tf.memory().numTensors - heldConstants();

  const tensors = inputs.map((values, i) => tf.tensor3d(values, shapes[i]));
  const value = core.core(tensors, weights);
  const expected = byHand(inputs);
  value.dataSync().forEach((x, i) => expect(x).toBeCloseTo(expected[i], 4));

  const dyValues = noise(expected.length, 9);
  const dy = tf.tensor3d(dyValues, value.shape);
  const gradients = tf.grads((...xs: Tensor[]) => core.core(xs as Tensor3D[], weights))(tensors, dy);
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

/** Makes the weights of query and key norms, and disposes them after `use`. */
function withNorms(norms: { q: number[]; k: number[] }, use: (weights: Weights) => void): void {
  const weights = new Map(Object.entries(norms).map(([name, values]) => [`model.layers.0.self_attn.${name}_norm.weight`, tf.tensor1d(values)]));
  use(weights);
  tf.dispose([...weights.values()]);
}

const shape = {
  batch: fc.integer({ min: 1, max: 2 }),
  time: fc.integer({ min: 1, max: 4 }),
  keyValueHeads: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 3 }),
  headDim: fc.constantFrom(2, 4),
};
const sizes = fc.record(shape);

describe('core of a sub-block: value, gradient by finite differences, no leak', () => {
  it('attention, for any grouping of heads', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        checkCore(subBlocks(size)[0], (inputs) => attentionByHand(inputs, size), size);
      }),
      { numRuns: 15, seed: 3 },
    );
  });

  it.each([['silu', {}, gatedSiluByHand], ['gelu', { model_type: 'gemma2' }, gatedGeluByHand]])('gated MLP with %s', (_, changes, byHand) => {
    fc.assert(
      fc.property(sizes, (size) => {
        checkCore(subBlocks(size, changes)[1], byHand, size);
      }),
      { numRuns: 5, seed: 3 },
    );
  });

  it('attention with capped scores and its own scale, in a window', () => {
    const capped = fc.record({ ...shape, softcap: fc.constantFrom(0.5, 3) });
    fc.assert(
      fc.property(capped, (plain) => {
        const size = { ...plain, window: 2, scale: 3 ** -0.5 };
        const changes = { model_type: 'gemma2', query_pre_attn_scalar: 3, attn_logit_softcapping: size.softcap, sliding_window: 2 };
        checkCore(subBlocks(size, changes)[0], (inputs) => attentionByHand(inputs, size), size);
      }),
      { numRuns: 15, seed: 3 },
    );
  });

  it('attention with a sliding window, shorter or longer than the sequence', () => {
    const windowed = fc.record({ ...shape, time: fc.integer({ min: 1, max: 5 }), window: fc.integer({ min: 1, max: 6 }) });
    fc.assert(
      fc.property(windowed, (size) => {
        const [attention] = subBlocks(size, { model_type: 'mistral', sliding_window: size.window });
        checkCore(attention, (inputs) => attentionByHand(inputs, size), size);
      }),
      { numRuns: 15, seed: 3 },
    );
  });

  it('attention with query and key norms, in a window', () => {
    fc.assert(
      fc.property(sizes, (plain) => {
        const norms = { q: noise(plain.headDim, 5), k: noise(plain.headDim, 6) };
        const size = { ...plain, window: 2, norms };
        const changes = { model_type: 'qwen3', use_sliding_window: true, sliding_window: 2, max_window_layers: 0 };
        const [attention] = subBlocks(size, changes);
        withNorms(norms, (weights) => { checkCore(attention, (inputs) => attentionByHand(inputs, size), size, weights); });
      }),
      { numRuns: 15, seed: 3 },
    );
  });

  it('attention with norms over all queries and all keys of a position', () => {
    fc.assert(
      fc.property(sizes, (plain) => {
        const width = plain.keyValueHeads * plain.headDim;
        const norms = { q: noise(width * plain.group, 5), k: noise(width, 6) };
        const size = { ...plain, norms };
        const [attention] = subBlocks(size, { model_type: 'olmo2' });
        withNorms(norms, (weights) => { checkCore(attention, (inputs) => attentionByHand(inputs, size), size, weights); });
      }),
      { numRuns: 10, seed: 3 },
    );
  });

  it('attention with clipped queries, keys and values', () => {
    fc.assert(
      fc.property(sizes, (plain) => {
        const width = plain.keyValueHeads * plain.headDim;
        const norms = { q: noise(width * plain.group, 5), k: noise(width, 6) };
        // The bound must be far from all values: the gradient jumps there, and is checked by finite differences.
        const size = { ...plain, norms, bound: 0.6 };
        const [attention] = subBlocks(size, { model_type: 'olmoe', clip_qkv: size.bound, num_experts: 2, num_experts_per_tok: 1 });
        withNorms(norms, (weights) => { checkCore(attention, (inputs) => attentionByHand(inputs, size), size, weights); });
      }),
      { numRuns: 10, seed: 3 },
    );
  });

  it('attention with a factor in its rope', () => {
    fc.assert(
      fc.property(sizes, (plain) => {
        const size = { ...plain, amplitude: 1.3 };
        const rope_scaling = { rope_type: 'yarn', factor: 1, attention_factor: 1.3 };
        checkCore(subBlocks(size, { rope_scaling })[0], (inputs) => attentionByHand(inputs, size), size);
      }),
      { numRuns: 5, seed: 3 },
    );
  });

  it('attention with its own factor', () => {
    fc.assert(
      fc.property(sizes, (plain) => {
        const size = { ...plain, scale: 0.3 };
        checkCore(subBlocks(size, { model_type: 'granite', attention_multiplier: 0.3 })[0], (inputs) => attentionByHand(inputs, size), size);
      }),
      { numRuns: 5, seed: 3 },
    );
  });

  it('attention that rotates part of each head', () => {
    const partial = fc.record({ ...shape, headDim: fc.constantFrom(4, 6) });
    fc.assert(
      fc.property(partial, (plain) => {
        const size = { ...plain, turned: 2 };
        checkCore(subBlocks(size, { model_type: 'phi3', partial_rotary_factor: 2.01 / plain.headDim })[0], (inputs) => attentionByHand(inputs, size), size);
      }),
      { numRuns: 8, seed: 3 },
    );
  });

  it('OPT attention, without rotary positions', () => {
    fc.assert(
      fc.property(sizes, (plain) => {
        const size = { ...plain, group: 1, learnedPositions: true };
        checkCore(optSubBlocks(size)[0], (inputs) => attentionByHand(inputs, size), size);
      }),
      { numRuns: 8, seed: 3 },
    );
  });

  it.each([
    ['relu', ([z]: number[][]) => z.map((x) => Math.max(0, x))],
    ['gelu', geluByHand],
  ])('OPT MLP with %s', (activation, byHand) => {
    const size = { batch: 2, time: 3, keyValueHeads: 2, group: 1, headDim: 4 };
    checkCore(optSubBlocks(size, activation)[1], byHand, size);
  });
});
