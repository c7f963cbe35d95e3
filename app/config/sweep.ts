/** A sweep as its file says it, with every member's pipeline. Mirrors `schemas/sweep.schema.json`. */
import type { ParsedPipeline } from './parse.js';

export type SweepValue = string | number | boolean;
/** Values by path, as `--set` has them. */
export type Combination = Record<string, SweepValue>;
export type Matrix = Record<string, SweepValue[]>;

/** A number of a finished member, on the first text that it was judged on, or the mean over its zero-shot tasks. */
export type SweepMetric = 'perplexity.initial' | 'perplexity.rebuilt' | 'gapClosed' | 'accuracy.initial' | 'accuracy.rebuilt';

/**
 * Once `metric` of a member is above the limit, or a quality gate of it fails, members that only have a larger value at `along` are not
 * begun. Either `metric` and `above` are there, or `gate`.
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

/** Which members there are. */
export interface SweepChoice {
  matrix: Matrix;
  exclude: Combination[];
  include: Combination[];
}

/** What members are made from: enough to make more of them later, on any machine. */
export interface SweepSource {
  /** The pipeline file: absolute path, and its text. */
  path: string;
  text: string;
  /** Folder of the sweep file, where relative paths in its values start. */
  folder: string;
  /** `a.b=c` that all members share. */
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
