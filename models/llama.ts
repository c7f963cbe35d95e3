import { tf } from '../engine/index.js';
import type { Tensor2D } from '../engine/index.js';
import { gatedSilu } from './activations.js';
import { causalAttention } from './attention.js';
import type { ConfigReader } from './config-reader.js';
import { embedTokens } from './embedding.js';
import { rmsNorm } from './norms.js';
import { ropeFromConfig } from './rope.js';
import type { Rope } from './rope.js';
import { applyLinear, weightOf } from './sub-block.js';
import type { DecoderLayer, DecoderModel, LinearSpec, SubBlock, TensorSpec } from './types.js';

/** What a LLaMA `config.json` says that the computation depends on; names as in transformers, in camel case. */
interface LlamaConfig {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
  maxPositions: number;
  epsilon: number;
  attentionBias: boolean;
  mlpBias: boolean;
  tied: boolean;
  rope: Rope;
}

/** Absent values mean what they mean in transformers' `LlamaConfig`. */
function readConfig(config: ConfigReader): LlamaConfig {
  const hiddenSize = config.positiveInteger('hidden_size');
  const heads = config.positiveInteger('num_attention_heads');
  const keyValueHeads = config.positiveInteger('num_key_value_heads', heads);
  if (heads % keyValueHeads !== 0) throw config.wrong('num_key_value_heads', `a divisor of num_attention_heads (${heads})`);
  const headDim = config.positiveInteger('head_dim', hiddenSize / heads);
  // Rotary positions turn pairs. A fraction, from a hidden size that the heads do not divide, fails here too.
  if (headDim % 2 !== 0) throw config.wrong(config.has('head_dim') ? 'head_dim' : 'hidden_size', 'an even number per attention head');
  config.choice('hidden_act', ['silu'], 'silu');
  if (config.has('quantization_config')) throw config.wrong('quantization_config', 'none: weights in F32, F16 or BF16');
  return {
    hiddenSize,
    heads,
    keyValueHeads,
    headDim,
    vocabSize: config.positiveInteger('vocab_size'),
    intermediateSize: config.positiveInteger('intermediate_size'),
    layers: config.positiveInteger('num_hidden_layers'),
    maxPositions: config.positiveInteger('max_position_embeddings', 2048),
    epsilon: config.positiveNumber('rms_norm_eps', 1e-6),
    attentionBias: config.boolean('attention_bias', false),
    mlpBias: config.boolean('mlp_bias', false),
    tied: config.boolean('tie_word_embeddings', false),
    rope: ropeFromConfig(config, headDim),
  };
}

const embeddingName = 'model.embed_tokens.weight';
const headName = 'lm_head.weight';
const finalNormName = 'model.norm.weight';

/**
 * LLaMA (Touvron et al. 2023) and its descendants with grouped heads, biases, tied embeddings or scaled rope.
 *
 * @throws ModelConfigError if a value is missing, wrong, or one that changes the computation in an unknown way.
 */
export function llama(reader: ConfigReader): DecoderModel {
  const config = readConfig(reader);
  const { vocabSize, hiddenSize, tied } = config;
  const embedding: TensorSpec = { name: embeddingName, shape: [vocabSize, hiddenSize], ...(tied && { aliases: [headName] }) };
  const head: LinearSpec = { name: tied ? embeddingName : headName, shape: [vocabSize, hiddenSize] };
  return {
    family: 'llama',
    layers: config.layers,
    hiddenSize,
    vocabularySize: vocabSize,
    attentionHeads: config.heads,
    intermediateSize: config.intermediateSize,
    maxPositions: config.maxPositions,
    decoderLayer: (index) => decoderLayer(config, index),
    embeddingTensors: [embedding],
    embed: (ids: Tensor2D, weights) => embedTokens(ids, weightOf<Tensor2D>(weights, embeddingName)),
    headTensors: [{ name: finalNormName, shape: [hiddenSize] }, tied ? embedding : head],
    head: (h, weights) =>
      tf.tidy(() => applyLinear(rmsNorm(h, weightOf(weights, finalNormName), config.epsilon), head, weights)),
  };
}

function decoderLayer(config: LlamaConfig, index: number): DecoderLayer {
  const layer = `model.layers.${index}`;
  const attention = attentionSubBlock(config, layer);
  const mlp = mlpSubBlock(config, layer);
  const linears = [attention, mlp].flatMap((subBlock) => [...subBlock.inputs, subBlock.output]);
  const norm = (name: string): TensorSpec => ({ name, shape: [config.hiddenSize] });
  const tensors: TensorSpec[] = [norm(`${layer}.input_layernorm.weight`), norm(`${layer}.post_attention_layernorm.weight`)];
  for (const { name, shape, bias } of linears) {
    tensors.push({ name, shape });
    if (bias !== undefined) tensors.push({ name: bias, shape: [shape[0]] });
  }
  return { index, tensors, subBlocks: [attention, mlp] };
}

function attentionSubBlock(config: LlamaConfig, layer: string): SubBlock {
  const { hiddenSize, heads, keyValueHeads, headDim } = config;
  const linear = linearsOf(`${layer}.self_attn`, config.attentionBias);
  return {
    block: 'attention',
    inputs: [
      linear('q_proj', heads * headDim, hiddenSize),
      linear('k_proj', keyValueHeads * headDim, hiddenSize),
      linear('v_proj', keyValueHeads * headDim, hiddenSize),
    ],
    output: linear('o_proj', hiddenSize, heads * headDim),
    ...preNormResidual(`${layer}.input_layernorm.weight`, config.epsilon),
    core: ([q, k, v]) => causalAttention(q, k, v, config, config.rope),
  };
}

function mlpSubBlock(config: LlamaConfig, layer: string): SubBlock {
  const { hiddenSize, intermediateSize } = config;
  const linear = linearsOf(`${layer}.mlp`, config.mlpBias);
  return {
    block: 'mlp',
    inputs: [linear('gate_proj', intermediateSize, hiddenSize), linear('up_proj', intermediateSize, hiddenSize)],
    output: linear('down_proj', hiddenSize, intermediateSize),
    ...preNormResidual(`${layer}.post_attention_layernorm.weight`, config.epsilon),
    core: ([gate, up]) => gatedSilu(gate, up),
  };
}

function linearsOf(parent: string, biased: boolean) {
  return (name: string, out: number, inputs: number): LinearSpec => ({
    name: `${parent}.${name}.weight`,
    shape: [out, inputs],
    ...(biased && { bias: `${parent}.${name}.bias` }),
  });
}

/** Norm before the sub-block, residual around it. */
function preNormResidual(norm: string, epsilon: number): Pick<SubBlock, 'enter' | 'leave'> {
  return {
    enter: (h, weights) => rmsNorm(h, weightOf(weights, norm), epsilon),
    leave: (h, y) => h.add(y),
  };
}
