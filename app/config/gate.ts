/** Quality gates as they are checked and resolved: plain JSON, part of the pipeline. docs/gates.md has the syntax. */
import type { ZeroShotMetric } from '../../files/datasets/task.js';
import type { ModelState } from './pipeline.js';

export type { ZeroShotMetric };

/** Stages whose seconds a result has, and their sum. */
export type TimedStage = 'calibration' | 'initialMask' | 'rebuild' | 'evaluation' | 'total';

/** A number of a result. A dataset goes by the name that results give it. */
export type Quantity =
  /** Without a dataset, the pipeline's only one. */
  | { kind: 'perplexity'; state: ModelState; dataset?: string }
  | { kind: 'zeroShot'; state: ModelState; task: string; metric: ZeroShotMetric }
  /** Dense minus `state`. */
  | { kind: 'drop'; state: Exclude<ModelState, 'dense'>; task: string; metric: ZeroShotMetric }
  | { kind: 'gapClosed'; dataset?: string }
  | { kind: 'sparsity' }
  | { kind: 'weights'; change: 'grown' | 'pruned' }
  | { kind: 'seconds'; stage: TimedStage };

/** `within`: the distance from what the pipeline asks for; of `sparsity` only. */
export type Comparison = '<' | '<=' | '>' | '>=' | 'within';

/** A number (shares as fractions, in every unit of the text), or a multiple of the same quantity in another state. */
export type Bound = { value: number } | { factor: number; state: ModelState };

export interface GateCondition {
  quantity: Quantity;
  comparison: Comparison;
  bound: Bound;
}

export interface Gate extends GateCondition {
  name?: string;
  /** The condition as the file has it. */
  check: string;
}
