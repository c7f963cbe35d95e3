/** Decoder families as data about their tensors and pure functions of tensors. Knows no files. */
import { ConfigReader } from './config-reader.js';
import { UnknownModelFamilyError } from './errors.js';
import { families } from './families.js';
import type { DecoderModel } from './types.js';
import { refuseUnknownKeys } from './unknown-keys.js';

export { disposeConstants, heldConstants } from './constants.js';
export { ModelConfigError, TokenOutOfVocabularyError, UnknownModelFamilyError, WeightError } from './errors.js';
export { forwardLogits, runDecoderLayer, throughSubBlocks } from './forward.js';
export { linearKind } from './linear-kinds.js';
export type { LinearKind } from './linear-kinds.js';
export { linearsOf } from './linears.js';
export { inStoredLayout } from './packed-experts.js';
export { disposeLayout, sequenceLayout } from './sequence-layout.js';
export { applyLinear, runSubBlock } from './sub-block.js';
export type { DecoderLayer, DecoderModel, LinearSpec, SequenceLayout, SubBlock, TensorSpec, Weights } from './types.js';

/**
 * Returns the model that a Hugging Face `config.json` describes.
 *
 * @param config the parsed file.
 * @param where its full path, for error messages.
 * @throws UnknownModelFamilyError if there is no family for its `model_type`.
 * @throws ModelConfigError if a value is missing or wrong, or if the config has a key that the family does not know.
 */
export function modelFromConfig(config: Record<string, unknown>, where: string): DecoderModel {
  return readModel(new ConfigReader(config, where), config, where);
}

/** Keys of a `config.json` that the model's family does not read. @throws like {@link modelFromConfig} */
export function unreadKeys(config: Record<string, unknown>, where: string): string[] {
  const reader = new ConfigReader(config, where);
  readModel(reader, config, where);
  return reader.unread().map(([key]) => key).filter((key) => key !== 'model_type');
}

function readModel(reader: ConfigReader, config: Record<string, unknown>, where: string): DecoderModel {
  const known = Object.keys(families);
  const type = config['model_type'];
  const family = typeof type === 'string' && known.includes(type) ? families[type] : undefined;
  if (family === undefined) {
    throw new UnknownModelFamilyError({
      what: type === undefined ? 'model_type is missing' : `model_type is ${JSON.stringify(type)}`,
      where,
      expected: known.length === 1 ? `'${known[0]}'` : `one of ${known.join(', ')}`,
      remedy: 'docs/families.md says how to add a family',
    });
  }
  const model = family(reader);
  refuseUnknownKeys(reader);
  return model;
}
