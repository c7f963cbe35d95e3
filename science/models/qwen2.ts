import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import { windowsOfLayers } from './layer-windows.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';

/**
 * Qwen2 (Yang et al. 2024): LLaMA with biases at queries, keys and values, and a sliding window in some layers.
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function qwen2(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 32_768, keyValueHeads: 32 });
  const windows = windowsOfLayers(reader, config.layers);
  return rotaryDecoder('qwen2', config, (layer, index) => [
    rotaryAttention(config, layer, { inputBias: true, window: windows[index] }),
    gatedMlp(config, layer),
  ]);
}
