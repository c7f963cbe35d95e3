import { PermanentFault } from '../../errors/fault.js';

/** Thrown when a token's log-likelihood is NaN or infinite: a weight or an activation overflowed. */
export class NonFiniteLossError extends PermanentFault {}

/** Thrown when a perplexity is requested but no token was scored. */
export class NothingScoredError extends PermanentFault {}

/** Thrown when a continuation has no token to score, or more tokens than the model can read. */
export class ContinuationError extends PermanentFault {}
