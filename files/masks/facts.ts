import { createHash } from 'node:crypto';
import { groupZeros } from './group-zeros.js';
import { weightsOf, type PackedMask, type Shape } from './packed-mask.js';
import { detectNM, parseNM, patternText, tallyAll, tallyGroups, type Strictness } from './pattern.js';
import { checkGroups } from './prove-mask.js';
import type { Violation, Violations } from './violations.js';

/** Counts of one linear. */
export interface LinearFacts {
  name: string;
  shape: Shape;
  weights: number;
  /** Number of weights that the mask prunes; without a mask, number of zeros. */
  zeros: number;
  /** The pattern, `unstructured` or N:M. It may have a few broken groups. */
  pattern: string;
  /** Smallest and largest number of zeros of any row. */
  rowZeros: readonly [number, number];
  /** SHA-256 of the packed bits. */
  maskSha256: string;
  /** Number of kept weights that are zero, and positions of the first ones; only with a mask. */
  keptZeros?: { count: number; first: readonly (readonly number[])[] };
  /** Number of kept weights that differ from the dense model's where that is allowed; only with a dense model. */
  changed?: number;
}

/** An examined file. */
export interface FileFacts {
  /** Absolute path; in `proof.json`, relative to its folder. */
  file: string;
  bytes: number;
  sha256: string;
}

/** Sums over linears. */
export interface Totals {
  weights: number;
  zeros: number;
  /** Share of zeros. */
  sparsity: number;
  /** The pattern of all pruned linears; `mixed` if they differ. */
  pattern: string;
  keptZeros?: number;
  changed?: number;
}

/** The violations: the first ones, and their total number. */
export interface Findings {
  count: number;
  listed: readonly Violation[];
}

/** In a checkpoint, a linear with a smaller share of zeros counts as not pruned. */
export const prunedShare = 0.01;

export interface PatternClaim {
  /** `unstructured` or N:M; if undefined, the pattern is detected. Groups that break it are violations. */
  stated: string | undefined;
  /** `exactly` for a mask; `atMost` for zeros, because a kept weight may be zero too. */
  strictness: Strictness;
}

/** Counts one linear, and adds a violation for each group that breaks its detected or given pattern. */
export function countLinear(mask: PackedMask, { stated, strictness }: PatternClaim, violations: Violations): LinearFacts {
  const tallies = stated === undefined ? tallyAll(mask) : [];
  const nm = stated === undefined ? detectNM(tallies, strictness) : parseNM(stated);
  if (nm !== undefined) {
    checkGroups(mask, tallies.find(({ of }) => of === nm.of) ?? tallyGroups(mask, nm.of), nm, strictness, violations);
  }
  const rows = groupZeros(mask, 'output').map(({ zeros }) => zeros);
  return {
    name: mask.name,
    shape: mask.shape,
    weights: weightsOf(mask.shape),
    zeros: rows.reduce((sum, zeros) => sum + zeros, 0),
    pattern: patternText(nm),
    rowZeros: [rows.reduce((a, b) => Math.min(a, b), Infinity), rows.reduce((a, b) => Math.max(a, b), 0)],
    maskSha256: createHash('sha256').update(mask.bits).digest('hex'),
  };
}

export function totalsOf(linears: readonly LinearFacts[]): Totals {
  const sum = (value: (linear: LinearFacts) => number | undefined): number | undefined => {
    const values = linears.map(value).filter((number) => number !== undefined);
    return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
  };
  const weights = sum((linear) => linear.weights) ?? 0;
  const zeros = sum((linear) => linear.zeros) ?? 0;
  return {
    weights, zeros, sparsity: weights === 0 ? 0 : zeros / weights, pattern: commonPattern(linears),
    keptZeros: sum((linear) => linear.keptZeros?.count), changed: sum((linear) => linear.changed),
  };
}

/** The linears with more zeros than occur by chance. */
export function prunedLinears(linears: readonly LinearFacts[]): LinearFacts[] {
  return linears.filter(({ zeros, weights }) => zeros >= prunedShare * weights);
}

function commonPattern(linears: readonly LinearFacts[]): string {
  const patterns = [...new Set(prunedLinears(linears).map(({ pattern }) => pattern))];
  return patterns.length > 1 ? 'mixed' : (patterns[0] ?? 'unstructured');
}
