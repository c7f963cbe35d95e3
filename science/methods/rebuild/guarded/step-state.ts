/** What a guarded rebuild stores between two steps when its windows are in shards. */
import type { StepState } from '../method.js';
import type { Progress } from './round-rules.js';

/** One of a state's masks, and the values of its weights: those at the start, those of all later masks (rebuild-base.ts), or fitted ones. */
export interface Try {
  mask: number;
  values: 'first' | 'base' | 'fitted';
}

/** What the next step measures. */
export interface Question {
  /**
   * `swaps`: squared gradients under the first try, which rank the swaps of a round. `ratio`: errors, which choose its ratio. `inputs` and
   * `output`: products, from which the input linears and the output linear are fitted. `end`: errors, which decide what is kept.
   */
  for: 'swaps' | 'ratio' | 'inputs' | 'output' | 'end';
  /** The folds that give gradients or products. */
  training: number[];
  /** The folds whose errors are measured under each of the tries. */
  judging: number[];
  tries: Try[];
}

/** The decisions so far. */
export interface Known {
  /** Number of windows in each fold. */
  windows: number[];
  /** Error over all windows under the first masks. */
  errorBefore: number;
  progress: Progress;
}

/** The candidates of a round. */
export interface Candidates {
  /** Error of the judging fold under the current masks. */
  errorBefore: number;
  /** The ratios that may be tried, each with the index of its try. Null if it changes no weight. */
  ratios: [ratio: number, index: number | null][];
}

/** The first of the masks are the current ones. */
export interface GuardState extends StepState {
  notes: { question: Question; known: Known; candidates?: Candidates };
}

export const guardState = (state: StepState | undefined): GuardState | undefined => state as GuardState | undefined;
