import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';

/**
 * OLMo 2 (OLMo et al. 2024): LLaMA with RMS norms after attention and MLP instead of before them, and with RMS norms over all
 * query heads, and over all key heads, of a position.
 * Facts: https://huggingface.co/docs/transformers/model_doc/olmo2
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function olmo2(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 2048, epsilon: 1e-5 });
  const biased = reader.boolean('attention_bias', false);
  return rotaryDecoder('olmo2', config, (layer) => [
    rotaryAttention(config, layer, {
      inputBias: biased, outputBias: biased, queryKeyNorms: 'projection', norms: { after: 'post_attention_layernorm' },
    }),
    gatedMlp(config, layer, { norms: { after: 'post_feedforward_layernorm' } }),
  ]);
}
