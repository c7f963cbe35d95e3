/** A sweep as its file describes it, with every member's pipeline. Mirrors `schemas/sweep.schema.json`. */
import type { ParsedPipeline } from './parse.js';

export type SweepValue = string | number | boolean;
/** Values by path, as `--set` has them. */
export type Combination = Record<string, SweepValue>;
export type Matrix = Record<string, SweepValue[]>;

/** A number of a finished member: on the first text that it was judged on, or the mean over its zero-shot tasks. */
export type SweepMetric = 'perplexity.initial' | 'perplexity.rebuilt' | 'gapClosed' | 'accuracy.initial' | 'accuracy.rebuilt';

/**
 * Once `metric` of a member is above the limit, or one of its quality gates fails, members that differ only in a larger value at `along`
 * are not started. Has either `metric` and `above`, or `gate`.
 */
export interface StopWhen {
  metric?: SweepMetric;
  above?: number;
  gate?: 'failed';
  along: string;
}

export interface Best {
  metric: SweepMetric;
  goal: 'min' | 'max';
}

export interface SweepSettings {
  name: string;
  maxParallel: number;
  stopWhen?: StopWhen;
  best?: Best;
}

/** The choice of members. */
export interface SweepChoice {
  matrix: Matrix;
  exclude: Combination[];
  include: Combination[];
}

/** What members are made from. It is enough to make more of them later, on any machine. */
export interface SweepSource {
  /** The pipeline file: absolute path, and its text. */
  path: string;
  text: string;
  /** Folder of the sweep file, where relative paths in its values start. */
  folder: string;
  /** `a.b=c` for all members. */
  overrides: string[];
  allowFloating: boolean;
}

export interface ParsedMember extends ParsedPipeline {
  /** Readable, and independent of the other members. */
  name: string;
  values: Combination;
}

export interface ParsedSweep extends SweepSettings, SweepChoice {
  source: SweepSource;
  members: ParsedMember[];
}
