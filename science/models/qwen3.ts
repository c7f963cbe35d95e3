import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import { windowsOfLayers } from './layer-windows.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';

/**
 * Qwen3 (Yang et al. 2025), dense: LLaMA with RMS norms of each query and key head, heads of width 128 for every hidden size,
 * and a sliding window in some layers.
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function qwen3(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 32_768, keyValueHeads: 32, headDim: 128 });
  const biased = reader.boolean('attention_bias', false);
  const windows = windowsOfLayers(reader, config.layers);
  return rotaryDecoder('qwen3', config, (layer, index) => [
    rotaryAttention(config, layer, { inputBias: biased, outputBias: biased, queryKeyNorms: 'head', window: windows[index] }),
    gatedMlp(config, layer),
  ]);
}
