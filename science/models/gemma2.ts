import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import { windowsButEvery } from './layer-windows.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import type { RotaryConfig, RotaryDefaults } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';

/** Norms before and after Gemma's sub-blocks. */
export const gemmaNorms = {
  attention: { before: 'input_layernorm', after: 'post_attention_layernorm' },
  mlp: { before: 'pre_feedforward_layernorm', after: 'post_feedforward_layernorm' },
};

/** Reads the common part of Gemma's configs: (1 + weight) norms, a scaled embedding, its own scale of attention scores. */
export function readGemmaConfig(reader: ConfigReader, defaults: Pick<RotaryDefaults, 'maxPositions' | 'vocabSize' | 'heads' | 'rope'>): RotaryConfig {
  const config = readRotaryConfig(reader, {
    ...defaults, keyValueHeads: 4, headDim: 256, tied: true, activation: { key: 'hidden_activation', name: 'gelu_pytorch_tanh' },
  });
  // Keys of older configs; transformers reads none of them.
  reader.ignore('hidden_act', 'sliding_window_size', '_sliding_window_pattern');
  reader.refuse('use_bidirectional_attention', 'each token must see only the tokens before it');
  return {
    ...config,
    normOffset: 1,
    embeddingScale: Math.sqrt(config.hiddenSize),
    scale: 1 / Math.sqrt(reader.positiveNumber('query_pre_attn_scalar', 256)),
  };
}

/**
 * Gemma 2 (Gemma Team 2024): norms before and after each sub-block, soft caps on attention scores and logits, a
 * sliding window in every second layer, an MLP gated by GELU.
 * Facts: https://huggingface.co/docs/transformers/model_doc/gemma2
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function gemma2(reader: ConfigReader): DecoderModel {
  const config: RotaryConfig = {
    ...readGemmaConfig(reader, { maxPositions: 8192 }),
    softcap: reader.optionalNumber('attn_logit_softcapping', 50),
    logitSoftcap: reader.optionalNumber('final_logit_softcapping', 30),
  };
  const biased = reader.boolean('attention_bias', false);
  const windows = windowsButEvery(reader, config.layers, 2);
  return rotaryDecoder('gemma2', config, (layer, index) => [
    rotaryAttention(config, layer, { inputBias: biased, outputBias: biased, window: windows[index], norms: gemmaNorms.attention }),
    gatedMlp(config, layer, { norms: gemmaNorms.mlp }),
  ]);
}
