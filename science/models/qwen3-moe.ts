import type { ConfigReader } from './config-reader.js';
import { mixtureDecoder } from './experts.js';
import { mixtureLayers, readMixture } from './mixture-config.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import type { DecoderModel } from './types.js';

/**
 * Qwen3 (Yang et al. 2025), mixtures: Qwen3's attention, with a sliding window in every layer or none, and a mixture of many small
 * experts in all or some layers.
 * Facts: https://huggingface.co/docs/transformers/model_doc/qwen3_moe
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function qwen3Moe(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 32_768, keyValueHeads: 4 });
  const biased = reader.boolean('attention_bias', false);
  const windowed = !reader.isNull('sliding_window') && reader.boolean('use_sliding_window', false);
  const window = windowed ? reader.positiveInteger('sliding_window', 4096) : undefined;
  // Transformers does not read these here.
  reader.ignore('max_window_layers', 'sliding_window');
  const mixture = readMixture(reader, { experts: 128, expertsPerToken: 8 }, reader.positiveInteger('moe_intermediate_size', 768));
  return mixtureDecoder('qwen3_moe', config, mixture, {
    attention: (layer) => rotaryAttention(config, layer, { inputBias: biased, outputBias: biased, queryKeyNorms: 'head', window }),
    mixed: mixtureLayers(reader, config),
  });
}
