/** Measures how good a model is, from its hidden states. Does not access files. */
export { batchesOf, paddedLength, type SequenceBatch } from './batches.js';
export { ContinuationError, NonFiniteLossError, NothingScoredError } from './errors.js';
export { logLikelihoods } from './log-likelihoods.js';
export { accuracy, likeliest, likeliestByCharacter, type Accuracy, type ScoredDocument } from './multiple-choice.js';
export { perplexity, tokenLosses } from './perplexity.js';
export { requestEncoder, type EncodedRequest, type RequestEncoding, type TextRequest } from './requests.js';
export { sequencesOf, type ScoredToken, type Sequence, type SequenceCost } from './sequences.js';
