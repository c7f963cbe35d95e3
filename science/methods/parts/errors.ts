import { PermanentFault } from '../../../errors/fault.js';

/** Thrown when a weight, an input statistic or an importance is NaN or infinite. Such scores cannot be ordered. */
export class NonFiniteScoreError extends PermanentFault {}

/** Thrown when a pattern cannot be read, or does not fit a linear: M must divide the inputs, and 0 < N < M. */
export class PatternError extends PermanentFault {}

/** Thrown when arrays that belong together differ in length, or a share is out of range. */
export class PruningInputError extends PermanentFault {}

/** Thrown when a mask does not prune exactly the required number of weights of a group. Never the user's fault. */
export class MaskBudgetError extends PermanentFault {}
