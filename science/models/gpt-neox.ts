import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';
import { gelu } from './activations.js';
import { causalAttention } from './attention.js';
import type { ConfigReader } from './config-reader.js';
import { embedTokens } from './embedding.js';
import { namedLayerNorm } from './layer-norms.js';
import type { Rope } from './rope.js';
import { partialOf, ropeOf, ropeParameters } from './rope-config.js';
import { applyLinear, layerOf, weightOf } from './sub-block.js';
import type { SubBlockWithNorms } from './sub-block.js';
import { embeddingAndHead, linearSpec, linearSpecs, orWithoutModel } from './tensor-specs.js';
import type { DecoderModel, SubBlock } from './types.js';

/** The values of a GPT-NeoX `config.json` that affect the computation; names as in transformers, in camel case. */
interface NeoxConfig {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  maxPositions: number;
  epsilon: number;
  /** Whether attention and MLP read the same stream. */
  parallel: boolean;
  attentionBias: boolean;
  tied: boolean;
  rope: Rope;
}

/** Absent values have the defaults of transformers' `GPTNeoXConfig`. */
function readConfig(config: ConfigReader): NeoxConfig {
  const hiddenSize = config.positiveInteger('hidden_size');
  const heads = config.positiveInteger('num_attention_heads');
  if (hiddenSize % heads !== 0) throw config.wrong('num_attention_heads', `a divisor of hidden_size (${hiddenSize})`);
  config.refuseQuantization();
  config.choice('hidden_act', ['gelu'], 'gelu');
  const maxPositions = config.positiveInteger('max_position_embeddings', 2048);
  const partial = partialOf(config, 'rotary_pct', 0.25);
  config.ignore('rotary_emb_base');
  return {
    vocabSize: config.positiveInteger('vocab_size'),
    hiddenSize,
    intermediateSize: config.positiveInteger('intermediate_size'),
    layers: config.positiveInteger('num_hidden_layers'),
    heads,
    maxPositions,
    epsilon: config.positiveNumber('layer_norm_eps', 1e-5),
    parallel: config.boolean('use_parallel_residual', true),
    attentionBias: config.boolean('attention_bias', true),
    tied: config.boolean('tie_word_embeddings', false),
    rope: ropeOf(ropeParameters(config), () => config.positiveNumber('rotary_emb_base', 10_000), { headDim: hiddenSize / heads, maxPositions, partial }),
  };
}

const root = 'gpt_neox';
const embeddingName = `${root}.embed_in.weight`;

/**
 * GPT-NeoX (Black et al. 2022) and Pythia (Biderman et al. 2023): layer norms, biases, a rope that rotates a part of each head,
 * queries, keys and values of each head side by side in one matrix, and attention and MLP that read the same stream.
 * Facts: https://huggingface.co/docs/transformers/model_doc/gpt_neox
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function gptNeox(reader: ConfigReader): DecoderModel {
  const config = readConfig(reader);
  const { vocabSize, hiddenSize, parallel } = config;
  const finalNorm = namedLayerNorm(`${root}.final_layer_norm`, config);
  const { embedding, head, headTensor, tied } = embeddingAndHead(embeddingName, 'embed_out.weight', [vocabSize, hiddenSize], { tied: config.tied, aliases: ['lm_head.weight'] });
  return {
    family: 'gpt_neox',
    layers: config.layers,
    hiddenSize,
    vocabularySize: vocabSize,
    attentionHeads: config.heads,
    intermediateSize: config.intermediateSize,
    maxPositions: config.maxPositions,
    ...(parallel && { streamsInLayer: 2 }),
    decoderLayer: (index) => {
      const path = `${root}.layers.${index}`;
      return layerOf(index, [attention(config, path), mlp(config, path)]);
    },
    embeddingTensors: [embedding],
    embed: (ids, weights) => embedTokens(ids, weightOf<Tensor2D>(weights, embeddingName)),
    headTensors: [...finalNorm.tensors.map(orWithoutModel), headTensor],
    ...(tied && { tied }),
    head: (h, weights) => tf.tidy(() => applyLinear(finalNorm.apply(h, weights), head, weights)),
  };
}

function attention(config: NeoxConfig, layer: string): SubBlockWithNorms {
  const { hiddenSize, heads, rope, attentionBias: biased } = config;
  const norm = namedLayerNorm(`${layer}.input_layernorm`, config);
  const path = `${layer}.attention`;
  const parts = ['q_proj', 'k_proj', 'v_proj'].map((name) => ({ path: `${path}.${name}`, out: hiddenSize }));
  const shape = { heads, keyValueHeads: heads, headDim: hiddenSize / heads };
  return {
    block: 'attention',
    inputs: linearSpecs(parts, hiddenSize, { fused: `${path}.query_key_value`, runs: heads, biased }),
    output: linearSpec(`${path}.dense`, hiddenSize, hiddenSize, biased),
    norms: norm.tensors,
    enter: norm.apply,
    // The MLP needs the stream before the attention, so it is put in front of the stream after it.
    leave: (h, y) => tf.tidy(() => (config.parallel ? tf.concat([h, h.add<Tensor3D>(y)], 2) : h.add(y))),
    core: ([q, k, v], _weights, layout) => causalAttention(q, k, v, shape, { rope, layout }),
  };
}

function mlp(config: NeoxConfig, layer: string): SubBlockWithNorms {
  const { hiddenSize, intermediateSize } = config;
  const norm = namedLayerNorm(`${layer}.post_attention_layernorm`, config);
  return {
    block: 'mlp',
    inputs: [linearSpec(`${layer}.mlp.dense_h_to_4h`, intermediateSize, hiddenSize, true)],
    output: linearSpec(`${layer}.mlp.dense_4h_to_h`, hiddenSize, intermediateSize, true),
    norms: norm.tensors,
    ...(config.parallel ? besideAttention(norm.apply) : { enter: norm.apply, leave: (h, y) => h.add(y) }),
    core: ([z]) => gelu(z),
  };
}

/** For an MLP that reads the stream before the attention and adds to the stream after it. */
function besideAttention(norm: SubBlock['enter']): Pick<SubBlock, 'enter' | 'leave' | 'compensate'> {
  const half = (h: Tensor3D, index: 0 | 1): Tensor3D => tf.split<Tensor3D>(h, 2, 2)[index];
  return {
    enter: (h, weights) => tf.tidy(() => norm(half(h, 0), weights)),
    leave: (h, y) => tf.tidy(() => half(h, 1).add<Tensor3D>(y)),
    compensate: (y, d, h) => tf.tidy(() => y.add<Tensor3D>(half(d, 1)).sub<Tensor3D>(half(h, 1))),
  };
}
