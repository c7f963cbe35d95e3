import { PermanentFault } from '../../../errors/fault.js';

/** Thrown when a weight, an input statistic or an importance is NaN or infinite: such scores have no order. */
export class NonFiniteScoreError extends PermanentFault {}

/** Thrown when a pattern cannot be read, or does not fit a linear: M must divide the inputs, and 0 < N < M. */
export class PatternError extends PermanentFault {}

/** Thrown when arrays that belong together differ in length, or a share lies outside its range. */
export class PruningInputError extends PermanentFault {}

/** Thrown when a mask does not prune exactly as many weights of a group as it must. Never the user's fault. */
export class MaskBudgetError extends PermanentFault {}
