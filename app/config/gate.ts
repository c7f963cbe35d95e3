/** Quality gates after checking and resolving: plain JSON, part of the pipeline. docs/gates.md describes the syntax. */
import type { ZeroShotMetric } from '../../files/datasets/task.js';
import type { ModelState } from './pipeline.js';

export type { ZeroShotMetric };

/** The stages for which a result has seconds, and their sum. */
export type TimedStage = 'calibration' | 'initialMask' | 'rebuild' | 'evaluation' | 'total';

/** A number of a result. A dataset has the name that results give it. */
export type Quantity =
  /** Without a dataset, the pipeline must have only one. */
  | { kind: 'perplexity'; state: ModelState; dataset?: string }
  | { kind: 'zeroShot'; state: ModelState; task: string; metric: ZeroShotMetric }
  /** Dense minus `state`. */
  | { kind: 'drop'; state: Exclude<ModelState, 'dense'>; task: string; metric: ZeroShotMetric }
  | { kind: 'gapClosed'; dataset?: string }
  | { kind: 'sparsity' }
  | { kind: 'weights'; change: 'grown' | 'pruned' }
  | { kind: 'seconds'; stage: TimedStage };

/** `within`: the distance from what the pipeline asks for; only for `sparsity`. */
export type Comparison = '<' | '<=' | '>' | '>=' | 'within';

/** A number (shares always as fractions, in whatever unit the text has them), or a multiple of the same quantity in another state. */
export type Bound = { value: number } | { factor: number; state: ModelState };

export interface GateCondition {
  quantity: Quantity;
  comparison: Comparison;
  bound: Bound;
}

export interface Gate extends GateCondition {
  name?: string;
  /** The condition as written in the file. */
  check: string;
}
