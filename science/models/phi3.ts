import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import type { Rope } from './rope.js';
import { partialOf, ropeFromConfig, ropeParameters } from './rope-config.js';
import type { RopeShape } from './rope-config.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';

/**
 * Phi-3 and Phi-4 (Abdin et al. 2024): LLaMA with queries, keys and values in one matrix, gate and up in another, a rope that may
 * rotate only a part of each head, LongRoPE, and a sliding window in every layer or none.
 * Facts: https://huggingface.co/docs/transformers/model_doc/phi3
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function phi3(reader: ConfigReader): DecoderModel {
  const config = readRotaryConfig(reader, { maxPositions: 4096, epsilon: 1e-5, rope: readRope });
  const window = reader.has('sliding_window') ? reader.positiveInteger('sliding_window') : undefined;
  return rotaryDecoder('phi3', config, (layer) => [
    rotaryAttention(config, layer, { window, fused: 'qkv_proj' }),
    gatedMlp(config, layer, { fused: 'gate_up_proj' }),
  ]);
}

/** Names in configs from before transformers 4.42, which transformers reads as `longrope`. */
const otherNames = { su: 'longrope', yarn: 'longrope' } as const;

/** Reads the rope. The number of trained positions is at the top level, and must equal the one beside the factors if there is one. */
function readRope(config: ConfigReader, shape: RopeShape): Rope {
  const trainedPositions = config.positiveInteger('original_max_position_embeddings', 4096);
  const parameters = ropeParameters(config);
  if (parameters?.has('original_max_position_embeddings') && parameters.positiveInteger('original_max_position_embeddings') !== trainedPositions) {
    throw parameters.wrong('original_max_position_embeddings', `the same as at the top level (${trainedPositions})`);
  }
  return ropeFromConfig(config, { ...shape, trainedPositions, partial: partialOf(config, 'partial_rotary_factor', 1), types: ['default', 'longrope'], otherNames });
}
