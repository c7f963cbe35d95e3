import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';
import { gelu } from './activations.js';
import { causalAttention } from './attention.js';
import type { ConfigReader } from './config-reader.js';
import { embedTokens } from './embedding.js';
import { namedLayerNorm } from './layer-norms.js';
import { applyLinear, layerOf, weightOf } from './sub-block.js';
import type { SubBlockWithNorms } from './sub-block.js';
import { embeddingAndHead, linearSpec, orWithoutModel } from './tensor-specs.js';
import type { DecoderModel, SubBlock, TensorSpec } from './types.js';

/** The values of an OPT `config.json` that affect the computation; names as in transformers, in camel case. */
interface OptConfig {
  vocabSize: number;
  hiddenSize: number;
  /** Width of the embedding; projected to `hiddenSize` and back if it differs (350m). */
  embeddingSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  maxPositions: number;
  activation: keyof typeof activations;
  /** True: a norm before each sub-block. False: after the residual (350m). */
  normBefore: boolean;
  finalNorm: boolean;
  affine: boolean;
  biased: boolean;
  tied: boolean;
}

const activations = { relu: (z: Tensor3D): Tensor3D => z.relu(), gelu };
/** The position embeddings begin with two rows for padding. */
const positionOffset = 2;
/** PyTorch's default; the configs do not state it. */
const epsilon = 1e-5;

/** Absent values have the defaults of transformers' `OPTConfig`. */
function readConfig(config: ConfigReader): OptConfig {
  const hiddenSize = config.positiveInteger('hidden_size');
  const heads = config.positiveInteger('num_attention_heads');
  if (hiddenSize % heads !== 0) throw config.wrong('num_attention_heads', `a divisor of hidden_size (${hiddenSize})`);
  config.refuseQuantization();
  const normBefore = config.boolean('do_layer_norm_before', true);
  return {
    vocabSize: config.positiveInteger('vocab_size'),
    hiddenSize,
    embeddingSize: config.positiveInteger('word_embed_proj_dim', hiddenSize),
    intermediateSize: config.positiveInteger('ffn_dim'),
    layers: config.positiveInteger('num_hidden_layers'),
    heads,
    maxPositions: config.positiveInteger('max_position_embeddings', 2048),
    activation: config.choice('activation_function', ['relu', 'gelu'], 'relu'),
    normBefore,
    finalNorm: !config.boolean('_remove_final_layer_norm', false) && normBefore,
    affine: config.boolean('layer_norm_elementwise_affine', true),
    biased: config.boolean('enable_bias', true),
    tied: config.boolean('tie_word_embeddings', true),
  };
}

const root = 'model.decoder';
const embeddingName = `${root}.embed_tokens.weight`;
const positionsName = `${root}.embed_positions.weight`;
const finalNormPath = `${root}.final_layer_norm`;
const headName = 'lm_head.weight';

/**
 * OPT (Zhang et al. 2022) in all sizes: learned positions, layer norms, biases, an MLP of two linears. The 350m size has
 * norms after the residuals and a narrower embedding.
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function opt(reader: ConfigReader): DecoderModel {
  const config = readConfig(reader);
  const { vocabSize, hiddenSize, embeddingSize, maxPositions } = config;
  const projected = embeddingSize !== hiddenSize;
  const projectIn = linearSpec(`${root}.project_in`, hiddenSize, embeddingSize, false);
  const projectOut = linearSpec(`${root}.project_out`, embeddingSize, hiddenSize, false);
  const { embedding, head, headTensor, tied } = embeddingAndHead(embeddingName, headName, [vocabSize, embeddingSize], config);
  const positions = { name: positionsName, shape: [maxPositions + positionOffset, hiddenSize] };
  const finalNorm = namedLayerNorm(finalNormPath, { ...config, epsilon });
  return {
    family: 'opt',
    layers: config.layers,
    hiddenSize,
    vocabularySize: vocabSize,
    attentionHeads: config.heads,
    intermediateSize: config.intermediateSize,
    maxPositions,
    decoderLayer: (index) => {
      const path = `${root}.layers.${index}`;
      return layerOf(index, [attention(config, path), mlp(config, path)]);
    },
    embeddingTensors: [embedding, ...[positions, ...(projected ? [projectIn] : [])].map(orWithoutModel)],
    embed: (ids, weights, layout) =>
      tf.tidy(() => {
        const tokens = embedTokens(ids, weightOf<Tensor2D>(weights, embeddingName));
        const widened = projected ? applyLinear(tokens, projectIn, weights) : tokens;
        const rows = weightOf<Tensor2D>(weights, positionsName).slice([positionOffset, 0], [Math.min(ids.shape[1], maxPositions), hiddenSize]);
        return widened.add(layout?.tailed === undefined ? rows : rows.gather(layout.tailed.positions));
      }),
    ...(tied && { tied }),
    headTensors: [
      ...[...(config.finalNorm ? finalNorm.tensors : []), ...(projected ? [projectOut] : [])].map(orWithoutModel),
      headTensor,
    ],
    head: (h, weights) =>
      tf.tidy(() => {
        const normed = config.finalNorm ? finalNorm.apply(h, weights) : h;
        return applyLinear(projected ? applyLinear(normed, projectOut, weights) : normed, head, weights);
      }),
  };
}

function attention(config: OptConfig, layer: string): SubBlockWithNorms {
  const { hiddenSize, heads, biased } = config;
  const linear = (name: string) => linearSpec(`${layer}.self_attn.${name}`, hiddenSize, hiddenSize, biased);
  const shape = { heads, keyValueHeads: heads, headDim: hiddenSize / heads };
  return {
    block: 'attention',
    inputs: [linear('q_proj'), linear('k_proj'), linear('v_proj')],
    output: linear('out_proj'),
    ...normAndResidual(config, `${layer}.self_attn_layer_norm`),
    core: ([q, k, v], _weights, layout) => causalAttention(q, k, v, shape, { layout }),
  };
}

function mlp(config: OptConfig, layer: string): SubBlockWithNorms {
  const { hiddenSize, intermediateSize, biased } = config;
  return {
    block: 'mlp',
    inputs: [linearSpec(`${layer}.fc1`, intermediateSize, hiddenSize, biased)],
    output: linearSpec(`${layer}.fc2`, hiddenSize, intermediateSize, biased),
    ...normAndResidual(config, `${layer}.final_layer_norm`),
    core: ([z]) => activations[config.activation](z),
  };
}

/** The norm before the sub-block or after its residual, depending on the config. */
function normAndResidual(config: OptConfig, path: string): Pick<SubBlock, 'enter' | 'leave'> & { norms: readonly TensorSpec[] } {
  const norm = namedLayerNorm(path, { ...config, epsilon });
  if (config.normBefore) return { norms: norm.tensors, enter: norm.apply, leave: (h, y) => h.add(y) };
  return { norms: norm.tensors, enter: (h) => h.clone(), leave: (h, y, weights) => tf.tidy(() => norm.apply(h.add<Tensor3D>(y), weights)) };
}
