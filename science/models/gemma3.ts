import type { ConfigReader } from './config-reader.js';
import { gatedMlp } from './gated-mlp.js';
import { gemmaNorms, readGemmaConfig } from './gemma2.js';
import { windowsButEvery } from './layer-windows.js';
import { withAliases } from './tensor-aliases.js';
import type { Rope } from './rope.js';
import { ropeOf } from './rope-config.js';
import type { RopeShape } from './rope-config.js';
import { rotaryAttention } from './rotary-attention.js';
import type { RotaryConfig } from './rotary-config.js';
import { rotaryDecoder } from './rotary-decoder.js';
import type { DecoderModel } from './types.js';
import { refuseUnknownKeys } from './unknown-keys.js';

const notApplied = 'transformers does not apply it in this family';

/**
 * Gemma 3 for text (Gemma Team 2025): Gemma 2 without caps on the scores, with norms of each query and key head, and with two
 * rope bases: one for layers with a sliding window, one for every sixth layer, which has none.
 * Facts: https://huggingface.co/docs/transformers/model_doc/gemma3
 *
 * @throws ModelConfigError if a value is missing, wrong, or changes the computation in an unknown way.
 */
export function gemma3Text(reader: ConfigReader): DecoderModel {
  return textModel('gemma3_text', reader, { logitSoftcap: reader.optionalNumber('final_logit_softcapping') });
}

/** The decoder of Gemma 3 for text and images. The image part is not touched. @throws ModelConfigError */
export function gemma3(reader: ConfigReader): DecoderModel {
  reader.refuseQuantization();
  const text = reader.object('text_config');
  text.refuse('final_logit_softcapping', notApplied);
  const model = textModel('gemma3', text, { tied: reader.boolean('tie_word_embeddings', true) });
  refuseUnknownKeys(text);
  // The names in checkpoints, and those of the newest transformers.
  return withAliases(model, (name) => [`language_model.${name}`, name.replace(/^model\./, 'model.language_model.')]);
}

function textModel(family: string, reader: ConfigReader, changes: Partial<RotaryConfig>): DecoderModel {
  const config: RotaryConfig = { ...readGemmaConfig(reader, { maxPositions: 131_072, vocabSize: 262_208, heads: 8, rope: fullRope }), ...changes };
  reader.refuse('attn_logit_softcapping', notApplied);
  const biased = reader.boolean('attention_bias', false);
  const windows = windowsButEvery(reader, config.layers, reader.positiveInteger('sliding_window_pattern', 6));
  const sliding = slidingRope(reader, config);
  return rotaryDecoder(family, config, (layer, index) => [
    rotaryAttention(config, layer, {
      inputBias: biased, outputBias: biased, queryKeyNorms: 'head', window: windows[index],
      rope: windows[index] === undefined ? config.rope : sliding, norms: gemmaNorms.attention,
    }),
    gatedMlp(config, layer, { norms: gemmaNorms.mlp }),
  ]);
}

/**
 * Reads the rope of layers without a window. `rope_parameters` has an object for each type of layer. Older configs have `rope_theta`
 * and `rope_scaling` for these layers, and `rope_local_base_freq` for layers with a window.
 */
function fullRope(reader: ConfigReader, shape: RopeShape): Rope {
  // A base in the objects below has priority over these.
  reader.ignore('rope_theta', 'rope_local_base_freq');
  const parameters = parametersOf(reader, 'full_attention');
  const scaling = reader.has('rope_scaling') ? reader.object('rope_scaling') : undefined;
  const isScaled = scaling?.isEmpty === false;
  if (isScaled && parameters !== undefined) throw reader.wrong('rope_scaling', 'none, because rope_parameters.full_attention is set');
  return ropeOf(isScaled ? scaling : parameters, () => reader.positiveNumber('rope_theta', 1_000_000), shape);
}

function slidingRope(reader: ConfigReader, shape: RopeShape): Rope {
  return ropeOf(parametersOf(reader, 'sliding_attention'), () => reader.positiveNumber('rope_local_base_freq', 10_000), shape);
}

function parametersOf(reader: ConfigReader, layerType: string): ConfigReader | undefined {
  const parameters = reader.has('rope_parameters') ? reader.object('rope_parameters') : undefined;
  return parameters?.has(layerType) ? parameters.object(layerType) : undefined;
}
