import { tf } from '../engine/index.js';
import type { Tensor3D, Tensor4D } from '../engine/index.js';
import { causalAttention } from './attention.js';
import { configuredNorm, residual } from './residual-norms.js';
import type { ResidualNorms } from './residual-norms.js';
import type { Rope } from './rope.js';
import type { RotaryConfig } from './rotary-config.js';
import type { SubBlockWithNorms } from './sub-block.js';
import { linearSpec, linearSpecs } from './tensor-specs.js';
import type { TensorSpec, Weights } from './types.js';

/** What differs between the attentions of the families. */
export interface RotaryAttention {
  /** Biases of the query, key and value projections. */
  inputBias?: boolean;
  /** Bias of the output projection. */
  outputBias?: boolean;
  /** Number of positions that a query sees, including its own; by default, all before it. */
  window?: number;
  /** RMS norms of queries and keys before the rotation: over each head, with one weight for all heads, or over the whole projection. */
  queryKeyNorms?: 'head' | 'projection';
  /** Bound on the absolute values of queries, keys and values, after the norms. */
  bound?: number;
  /** The rope of this layer, if layers differ. */
  rope?: Rope;
  /** Name of the fused linear of queries, keys and values. */
  fused?: string;
  /** Default: `input_layernorm` before. */
  norms?: ResidualNorms;
}

/** `W_o attention(W_q x, W_k x, W_v x)` with rotary positions and grouped heads, with the residual around it. */
export function rotaryAttention(config: RotaryConfig, layer: string, options: RotaryAttention): SubBlockWithNorms {
  const { hiddenSize, heads, keyValueHeads, headDim } = config;
  const { inputBias = false, outputBias = false, window, queryKeyNorms, bound, rope = config.rope, fused, norms = { before: 'input_layernorm' } } = options;
  const path = `${layer}.self_attn`;
  const inputs = [['q_proj', heads], ['k_proj', keyValueHeads], ['v_proj', keyValueHeads]] as const;
  const parts = inputs.map(([name, ofHeads]) => ({ path: `${path}.${name}`, out: ofHeads * headDim }));
  const around = residual(config, layer, norms);
  const normWidth = (ofHeads: number): number => (queryKeyNorms === 'head' ? headDim : ofHeads * headDim);
  const qNorm: TensorSpec = { name: `${path}.q_norm.weight`, shape: [normWidth(heads)] };
  const kNorm: TensorSpec = { name: `${path}.k_norm.weight`, shape: [normWidth(keyValueHeads)] };
  const normed = (x: Tensor3D, { name }: TensorSpec, weights: Weights): Tensor3D => {
    if (queryKeyNorms === undefined) return x;
    return queryKeyNorms === 'head' ? normHeads(config, x, name, weights) : configuredNorm(config, x, name, weights);
  };
  const bounded = (x: Tensor3D): Tensor3D => (bound === undefined ? x : tf.clipByValue(x, -bound, bound));
  return {
    block: 'attention',
    inputs: linearSpecs(parts, hiddenSize, { biased: inputBias, ...(fused !== undefined && { fused: `${path}.${fused}` }) }),
    output: linearSpec(`${path}.o_proj`, hiddenSize, heads * headDim, outputBias),
    ...around,
    norms: queryKeyNorms === undefined ? around.norms : [...around.norms, qNorm, kNorm],
    core: ([q, k, v], weights, layout) =>
      tf.tidy(() => causalAttention(bounded(normed(q, qNorm, weights)), bounded(normed(k, kNorm, weights)), bounded(v), config, { rope, window, layout })),
  };
}

/** Norms each head of x `[batch, time, heads * headDim]` by itself. */
function normHeads(config: RotaryConfig, x: Tensor3D, name: string, weights: Weights): Tensor3D {
  const { headDim } = config;
  const [batch, time, width] = x.shape;
  return tf.tidy(() => {
    const heads = x.reshape<Tensor4D>([batch, time, width / headDim, headDim]);
    return configuredNorm(config, heads, name, weights).reshape<Tensor3D>([batch, time, width]);
  });
}
