import type { ConfigReader } from './config-reader.js';
import { mixtureDecoder } from './experts.js';
import { windowsOfLayers } from './layer-windows.js';
import { mixtureLayers, readMixture } from './mixture-config.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import type { DecoderModel } from './types.js';

/**
 * Qwen1.5-MoE and Qwen2 (Yang et al. 2024), mixtures: biases at queries, keys and values, and a shared expert for all tokens beside the
 * routed experts. If there is a sliding window, every second one of the first `max_window_layers` layers has it.
 * Facts: https://huggingface.co/docs/transformers/model_doc/qwen2_moe
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function qwen2Moe(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 32_768, keyValueHeads: 16 });
  const inputBias = reader.boolean('qkv_bias', true);
  const windows = windowsOfLayers(reader, config.layers, (index, count) => index % 2 === 0 && index < count);
  const mixture = {
    ...readMixture(reader, { experts: 60, expertsPerToken: 4 }, reader.positiveInteger('moe_intermediate_size', 1408)),
    shared: { intermediateSize: reader.positiveInteger('shared_expert_intermediate_size', 5632) },
  };
  return mixtureDecoder('qwen2_moe', config, mixture, {
    attention: (layer, index) => rotaryAttention(config, layer, { inputBias, window: windows[index] }),
    mixed: mixtureLayers(reader, config),
  });
}
