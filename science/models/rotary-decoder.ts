import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';
import { embedTokens } from './embedding.js';
import { configuredNorm } from './residual-norms.js';
import type { RotaryConfig } from './rotary-config.js';
import { applyLinear, layerOf, weightOf } from './sub-block.js';
import type { SubBlockWithNorms } from './sub-block.js';
import { embeddingAndHead, orWithoutModel } from './tensor-specs.js';
import type { DecoderModel } from './types.js';

const embeddingName = 'model.embed_tokens.weight';
const headName = 'lm_head.weight';
const finalNormName = 'model.norm.weight';

/** Returns the sub-blocks of the decoder layer with an index. The names of its tensors begin with `path`. */
export type SubBlocksOfLayer = (path: string, index: number) => readonly SubBlockWithNorms[];

/** The common part of LLaMA and the families derived from it, around their layers: token embedding, final RMS norm, language-model head. */
export function rotaryDecoder(family: string, config: RotaryConfig, subBlocks: SubBlocksOfLayer): DecoderModel {
  const { vocabSize, hiddenSize, embeddingScale = 1 } = config;
  const { embedding, head, headTensor, tied } = embeddingAndHead(embeddingName, headName, [vocabSize, hiddenSize], config);
  return {
    family,
    layers: config.layers,
    hiddenSize,
    vocabularySize: vocabSize,
    attentionHeads: config.heads,
    cappedScores: config.softcap !== undefined,
    intermediateSize: config.intermediateSize,
    maxPositions: config.maxPositions,
    decoderLayer: (index) => layerOf(index, subBlocks(`model.layers.${index}`, index)),
    embeddingTensors: [embedding],
    embed: (ids, weights) =>
      tf.tidy(() => {
        const rows = embedTokens(ids, weightOf<Tensor2D>(weights, embeddingName));
        return embeddingScale === 1 ? rows : rows.mul(embeddingScale);
      }),
    headTensors: [orWithoutModel({ name: finalNormName, shape: [hiddenSize] }), headTensor],
    ...(tied && { tied }),
    head: (h, weights) => tf.tidy(() => finished(applyLinear(configuredNorm(config, h, finalNormName, weights), head, weights), config)),
  };
}

/** Applies a factor or a soft cap `c tanh(logits / c)` to the logits. */
function finished(logits: Tensor3D, { logitScale = 1, logitSoftcap }: RotaryConfig): Tensor3D {
  if (logitSoftcap !== undefined) return logits.div(logitSoftcap).tanh().mul(logitSoftcap);
  return logitScale === 1 ? logits : logits.mul(logitScale);
}
