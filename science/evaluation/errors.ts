import { PermanentFault } from '../../errors/fault.js';

/** Thrown when a token's log-likelihood is NaN or infinite: a weight or an activation overflowed. */
export class NonFiniteLossError extends PermanentFault {}

/** Thrown when a perplexity is asked of no scored token. */
export class NothingScoredError extends PermanentFault {}

/** Thrown when a continuation has no token to score, or more than the model can read. */
export class ContinuationError extends PermanentFault {}
