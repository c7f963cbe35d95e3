import type { ConfigReader } from './config-reader.js';
import { mixtureDecoder } from './experts.js';
import { readExperts } from './mixture-config.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import type { DecoderModel } from './types.js';

/**
 * Mixtral (Jiang et al. 2024): Mistral with a mixture of experts in every layer, and a sliding window only if the config has one.
 * Facts: https://huggingface.co/docs/transformers/model_doc/mixtral
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function mixtral(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 131_072, keyValueHeads: 8, epsilon: 1e-5, theta: 1e6 });
  const window = reader.has('sliding_window') ? reader.positiveInteger('sliding_window') : undefined;
  const mixture = {
    ...readExperts(reader, { experts: 8, expertsPerToken: 2 }), normalized: true,
    path: 'block_sparse_moe', names: ['w1', 'w3', 'w2'] as const, intermediateSize: config.intermediateSize,
  };
  return mixtureDecoder('mixtral', config, mixture, { attention: (layer) => rotaryAttention(config, layer, { window }) });
}
