import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import { rotaryAttention } from './rotary-attention.js';
import { readRotaryConfig } from './rotary-config.js';
import type { RotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';

/**
 * Granite 3 (IBM 2024), dense: LLaMA with factors for the embedding, for attention scores (instead of `1 / sqrt(headDim)`) and for
 * additions to the residual stream, and with a divisor of the logits.
 * Facts: https://huggingface.co/docs/transformers/model_doc/granite
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function granite(reader: ConfigReader): DecoderModel {
  const config: RotaryConfig = {
    ...readRotaryConfig(reader, { maxPositions: 2048 }),
    embeddingScale: reader.positiveNumber('embedding_multiplier', 1),
    scale: reader.positiveNumber('attention_multiplier', 1),
    residualScale: reader.positiveNumber('residual_multiplier', 1),
    logitScale: 1 / reader.positiveNumber('logits_scaling', 1),
  };
  const attentionBias = reader.boolean('attention_bias', false);
  const mlpBias = reader.boolean('mlp_bias', false);
  return rotaryDecoder('granite', config, (layer) => [
    rotaryAttention(config, layer, { inputBias: attentionBias, outputBias: attentionBias }),
    gatedMlp(config, layer, { biased: mlpBias }),
  ]);
}
