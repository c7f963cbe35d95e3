import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';
import { embedTokens } from './embedding.js';
import { configuredNorm } from './residual-norms.js';
import type { RotaryConfig } from './rotary-config.js';
import { applyLinear, layerOf, orWithoutModel, weightOf } from './sub-block.js';
import type { SubBlockWithNorms } from './sub-block.js';
import type { DecoderModel, LinearSpec } from './types.js';

const embeddingName = 'model.embed_tokens.weight';
const headName = 'lm_head.weight';
const finalNormName = 'model.norm.weight';

/** Attention and MLP of the decoder layer of that index, whose tensors' names begin with `path`. */
export type SubBlocksOfLayer = (path: string, index: number) => readonly [SubBlockWithNorms, SubBlockWithNorms];

/** What LLaMA and the families after it share around their layers: token embedding, final RMS norm, language-model head. */
export function rotaryDecoder(family: string, config: RotaryConfig, subBlocks: SubBlocksOfLayer): DecoderModel {
  const { vocabSize, hiddenSize, tied, embeddingScale = 1 } = config;
  const embedding = orWithoutModel({ name: embeddingName, shape: [vocabSize, hiddenSize] });
  const tiedEmbedding = { ...embedding, aliases: [...embedding.aliases, headName] };
  const head: LinearSpec = { name: tied ? embeddingName : headName, shape: [vocabSize, hiddenSize] };
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
    embeddingTensors: [tied ? tiedEmbedding : embedding],
    embed: (ids, weights) =>
      tf.tidy(() => {
        const rows = embedTokens(ids, weightOf<Tensor2D>(weights, embeddingName));
        return embeddingScale === 1 ? rows : rows.mul(embeddingScale);
      }),
    headTensors: [orWithoutModel({ name: finalNormName, shape: [hiddenSize] }), tied ? tiedEmbedding : head],
    ...(tied && { tied: { embedding, head: { name: headName, shape: head.shape } } }),
    head: (h, weights) => tf.tidy(() => finished(applyLinear(configuredNorm(config, h, finalNormName, weights), head, weights), config)),
  };
}

/** What becomes of the head's results: a factor, or a soft cap `c tanh(logits / c)`. */
function finished(logits: Tensor3D, { logitScale = 1, logitSoftcap }: RotaryConfig): Tensor3D {
  if (logitSoftcap !== undefined) return logits.div(logitSoftcap).tanh().mul(logitSoftcap);
  return logitScale === 1 ? logits : logits.mul(logitScale);
}
