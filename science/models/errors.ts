import { PermanentFault } from '../../errors/fault.js';

/** Thrown when `config.json` names a `model_type` that is not in `science/models/families.ts`. */
export class UnknownModelFamilyError extends PermanentFault {}

/** Thrown when a value in `config.json` is missing, of the wrong type, out of range, or contradicts another. */
export class ModelConfigError extends PermanentFault {}

/** Thrown when a forward function is called without a tensor that it needs, or with a tensor of the wrong shape. */
export class WeightError extends PermanentFault {}

/** Thrown when a token id has no row in the embedding: the tokenizer belongs to another model. */
export class TokenOutOfVocabularyError extends PermanentFault {}
