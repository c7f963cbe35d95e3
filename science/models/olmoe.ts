import type { ConfigReader } from './config-reader.js';
import { mixtureDecoder } from './experts.js';
import { readMixture } from './mixture-config.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import type { DecoderModel } from './types.js';

/**
 * OLMoE (Muennighoff et al. 2024): norms over all query heads and over all key heads, optional bounds on queries, keys and values, and a
 * mixture of experts in every layer.
 * Facts: https://huggingface.co/docs/transformers/model_doc/olmoe
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function olmoe(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 4096, epsilon: 1e-5 });
  const biased = reader.boolean('attention_bias', false);
  const bound = reader.optionalNumber('clip_qkv');
  const mixture = readMixture(reader, { experts: 64, expertsPerToken: 8 }, config.intermediateSize);
  return mixtureDecoder('olmoe', config, mixture, {
    attention: (layer) => rotaryAttention(config, layer, { inputBias: biased, outputBias: biased, queryKeyNorms: 'projection', bound }),
  });
}
