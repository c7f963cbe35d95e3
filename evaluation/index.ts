/** How good a model is, from its hidden states. Knows no files. */
export { NonFiniteLossError, NothingScoredError } from './errors.js';
export { perplexity, tokenLosses } from './perplexity.js';
