import { tf } from '../engine/index.js';
import type { Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '../engine/index.js';
import { gatedSilu } from './activations.js';
import { causalAttention } from './attention.js';
import { embedTokens } from './embedding.js';
import { rmsNorm } from './norms.js';
import type { RotaryConfig } from './rotary-config.js';
import { applyLinear, layerOf, linearSpec, orWithoutModel, weightOf } from './sub-block.js';
import type { SubBlockWithNorms } from './sub-block.js';
import type { DecoderModel, LinearSpec, SubBlock, TensorSpec, Weights } from './types.js';

const embeddingName = 'model.embed_tokens.weight';
const headName = 'lm_head.weight';
const finalNormName = 'model.norm.weight';

/** Attention and MLP of the decoder layer of that index, whose tensors' names begin with `path`. */
export type SubBlocksOfLayer = (path: string, index: number) => readonly [SubBlockWithNorms, SubBlockWithNorms];

/** What LLaMA and the families after it share around their layers: token embedding, final RMS norm, language-model head. */
export function rotaryDecoder(family: string, config: RotaryConfig, subBlocks: SubBlocksOfLayer): DecoderModel {
  const { vocabSize, hiddenSize, tied, epsilon } = config;
  const embedding = orWithoutModel({ name: embeddingName, shape: [vocabSize, hiddenSize] });
  const tiedEmbedding = { ...embedding, aliases: [...embedding.aliases, headName] };
  const head: LinearSpec = { name: tied ? embeddingName : headName, shape: [vocabSize, hiddenSize] };
  return {
    family,
    layers: config.layers,
    hiddenSize,
    vocabularySize: vocabSize,
    attentionHeads: config.heads,
    intermediateSize: config.intermediateSize,
    maxPositions: config.maxPositions,
    decoderLayer: (index) => layerOf(index, subBlocks(`model.layers.${index}`, index)),
    embeddingTensors: [tied ? tiedEmbedding : embedding],
    embed: (ids, weights) => embedTokens(ids, weightOf<Tensor2D>(weights, embeddingName)),
    headTensors: [orWithoutModel({ name: finalNormName, shape: [hiddenSize] }), tied ? tiedEmbedding : head],
    ...(tied && { tied: { embedding, head: { name: headName, shape: head.shape } } }),
    head: (h, weights) => tf.tidy(() => applyLinear(rmsNorm(h, weightOf(weights, finalNormName), epsilon), head, weights)),
  };
}

/** Where the attentions of the families differ. */
export interface RotaryAttention {
  /** Biases of the query, key and value projections. */
  inputBias?: boolean;
  /** Bias of the output projection. */
  outputBias?: boolean;
  /** How many positions a query sees, its own included; all before it where absent. */
  window?: number;
  /** RMS norms of each query and key head before their rotation, one weight for all heads. */
  headNorms?: boolean;
}

/** `W_o attention(W_q x, W_k x, W_v x)` on the RMS norm of the residual stream, with rotary positions and grouped heads. */
export function rotaryAttention(config: RotaryConfig, layer: string, options: RotaryAttention): SubBlockWithNorms {
  const { hiddenSize, heads, keyValueHeads, headDim, epsilon, rope } = config;
  const { inputBias = false, outputBias = false, window, headNorms = false } = options;
  const path = `${layer}.self_attn`;
  const input = (name: string, ofHeads: number) => linearSpec(`${path}.${name}`, ofHeads * headDim, hiddenSize, inputBias);
  const norm = preNorm(config, `${layer}.input_layernorm.weight`);
  const [qNorm, kNorm] = ['q_norm', 'k_norm'].map((name): TensorSpec => ({ name: `${path}.${name}.weight`, shape: [headDim] }));
  const normed = (x: Tensor3D, { name }: TensorSpec, weights: Weights): Tensor3D =>
    headNorms ? normHeads(x, headDim, weightOf(weights, name), epsilon) : x;
  return {
    block: 'attention',
    inputs: [input('q_proj', heads), input('k_proj', keyValueHeads), input('v_proj', keyValueHeads)],
    output: linearSpec(`${path}.o_proj`, hiddenSize, heads * headDim, outputBias),
    ...norm,
    norms: headNorms ? [...norm.norms, qNorm, kNorm] : norm.norms,
    core: ([q, k, v], weights, layout) =>
      tf.tidy(() => causalAttention(normed(q, qNorm, weights), normed(k, kNorm, weights), v, config, { rope, window, layout })),
  };
}

/** Norms each head of x `[batch, time, heads * headDim]` by itself. */
function normHeads(x: Tensor3D, headDim: number, weight: Tensor1D, epsilon: number): Tensor3D {
  const [batch, time, width] = x.shape;
  return tf.tidy(() => {
    const heads = x.reshape<Tensor4D>([batch, time, width / headDim, headDim]);
    return rmsNorm(heads, weight, epsilon).reshape<Tensor3D>([batch, time, width]);
  });
}

/** `W_down (silu(W_gate x) * W_up x)` on the RMS norm of the residual stream. */
export function gatedMlp(config: RotaryConfig, layer: string, biased = false): SubBlockWithNorms {
  const { hiddenSize, intermediateSize } = config;
  const linear = (name: string, out: number, inputs: number) => linearSpec(`${layer}.mlp.${name}`, out, inputs, biased);
  return {
    block: 'mlp',
    inputs: [linear('gate_proj', intermediateSize, hiddenSize), linear('up_proj', intermediateSize, hiddenSize)],
    output: linear('down_proj', hiddenSize, intermediateSize),
    ...preNorm(config, `${layer}.post_attention_layernorm.weight`),
    core: ([gate, up]) => gatedSilu(gate, up),
  };
}

/** RMS norm before the sub-block, residual around it. */
function preNorm({ hiddenSize, epsilon }: RotaryConfig, name: string): Pick<SubBlock, 'enter' | 'leave'> & { norms: TensorSpec[] } {
  return {
    norms: [{ name, shape: [hiddenSize] }],
    enter: (h, weights) => rmsNorm(h, weightOf(weights, name), epsilon),
    leave: (h, y) => h.add(y),
  };
}
