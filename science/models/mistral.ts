import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';

/**
 * Mistral (Jiang et al. 2023): LLaMA without biases, with a sliding window in every layer.
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function mistral(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 131_072, keyValueHeads: 8 });
  // An absent window means 4096, null means none.
  const window = reader.isNull('sliding_window') ? undefined : reader.positiveInteger('sliding_window', 4096);
  return rotaryDecoder('mistral', config, (layer) => [rotaryAttention(config, layer, { window }), gatedMlp(config, layer)]);
}
