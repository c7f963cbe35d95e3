/** A cell of the quality table: all settings that a measurement depends on, its key, and what is measured. */
import { createHash } from 'node:crypto';
import { initialMethodOf, rebuildMethodOf } from '../../../science/methods/index.js';
import type { Recipe } from './recipe.js';

/** Windows that a method learns from. */
export interface Calibration {
  text: string;
  samples: number;
  /** Tokens per window. */
  length: number;
  sampling: 'sequential' | 'random';
  /** The seed of random sampling; 0 if windows are sequential. */
  seed: number;
}

/** Windows that are scored: consecutive windows of a text that calibration never sees. */
export interface Evaluation {
  /** Name of the perplexity. */
  name: string;
  text: string;
  /** Tokens at the start of the text that are not scored, as a number or as a share of all tokens. */
  skip: number | { share: number };
  windows: number;
  length: number;
}

/** Questions to answer: the first `documents` documents of each task. */
export interface Questions {
  tasks: readonly string[];
  documents: number;
}

export interface Cell {
  model: string;
  calibration: Calibration;
  /** Percent, or N:M. */
  pattern: string;
  /** As given in `--methods`. */
  method: string;
  recipe: Recipe;
  evaluations: readonly Evaluation[];
  questions?: Questions;
  /** The version of the code: a commit of science/, unless `--code` is given. */
  code: string;
}

/** Measures by which a guard could judge on unseen text. Each is 0 for the dense model. */
export interface Signs {
  /** Squared error of a layer's output on the pruned model's own stream, as a share of what the dense layer adds; mean over layers. */
  layerError: number;
  /** Squared distance from the dense model's stream after a layer, as a share of its square; mean over layers. */
  pathError: number;
  /** Mean Kullback-Leibler divergence of the next token from the dense model's, in nats. */
  divergence: number;
}

/** The perplexity of each evaluation by its name, and the mean accuracy if questions were asked. */
export interface Scores {
  perplexity: Record<string, number>;
  accuracy?: number;
  /** By name of the evaluation, on its first windows. Absent in older results. */
  signs?: Record<string, Signs>;
}

export interface Measured extends Scores {
  /** Seconds of the initial method and of the rebuild, over all layers. */
  seconds: { initial: number; rebuild: number };
  /** The rebuild's cost in forwards over all calibration windows, as a mean over sub-blocks. Absent if the strategy does not report it. */
  forwards?: number;
  /** Share of the linears' weights that are zero. */
  sparsity: number;
  /** Largest resident memory of the process while the cell was measured. */
  peakBytes: number;
}

/** A line of the results file. `pattern` and `method` are `dense` for the dense model. */
export interface ResultLine {
  key: string;
  model: string;
  calibration?: Calibration;
  pattern: string;
  method: string;
  recipe?: Recipe;
  evaluations: readonly Evaluation[];
  questions?: Questions;
  code?: string;
  engine: string;
  measured?: Measured | Scores;
  /** Why the model cannot have this pattern. */
  impossible?: string;
}

/**
 * Returns the key of a cell. Cells with the same key are the same measurement. The key depends on every setting, with defaults filled
 * in, on the versions of the methods, and on the code. It does not depend on the method's name in the table.
 */
export function keyOf({ model, calibration, pattern, recipe, evaluations, questions, code }: Cell): string {
  const initial = initialMethodOf(recipe.initial.method);
  const { rebuild } = recipe;
  const strategy = rebuild && rebuildMethodOf(rebuild.strategy);
  return digest({
    model, calibration, pattern, evaluations, questions, code,
    initial: { method: recipe.initial.method, version: initial.version, ...initial.identity(recipe.initial.settings) },
    rebuild: rebuild && strategy && { strategy: rebuild.strategy, version: strategy.version, ...rebuild.common, ...strategy.identity(rebuild.settings) },
  });
}

/** Returns the key of the dense model, which does not depend on calibration or methods. */
export function denseKeyOf({ model, evaluations, questions }: Pick<Cell, 'model' | 'evaluations' | 'questions'>): string {
  return digest({ model, evaluations, questions, dense: true });
}

function digest(value: object): string {
  return createHash('sha256').update(JSON.stringify(sorted(value))).digest('hex').slice(0, 24);
}

/** Sorts the names of all objects, so that equal settings have the same text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]));
}
