import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';

/**
 * LLaMA (Touvron et al. 2023) and its descendants with grouped heads, biases, tied embeddings or scaled rope.
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function llama(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 2048 });
  const attentionBias = reader.boolean('attention_bias', false);
  const mlpBias = reader.boolean('mlp_bias', false);
  return rotaryDecoder('llama', config, (layer) => [
    rotaryAttention(config, layer, { inputBias: attentionBias, outputBias: attentionBias }),
    gatedMlp(config, layer, { biased: mlpBias }),
  ]);
}
