import { PatternTextError } from './errors.js';
import { countKept, onesOf, weightsOf, type PackedMask } from './packed-mask.js';

/** N:M sparsity: a row keeps N (`keep`) of every M (`of`) consecutive inputs. */
export interface NM {
  keep: number;
  of: number;
}

/** Values of M that can be detected, smallest first. */
export const detectableSizes: readonly number[] = [2, 4, 8, 16, 32];

/** Number of example groups for each number of kept weights. */
const exampleLimit = 20;

/** @returns undefined for `unstructured` @throws PatternTextError unless the text is that or N:M with 0 < N < M */
export function parseNM(text: string): NM | undefined {
  if (text === 'unstructured') return undefined;
  const match = /^(\d{1,6}):(\d{1,6})$/.exec(text);
  const keep = Number(match?.[1]);
  const of = Number(match?.[2]);
  if (match === null || keep < 1 || keep >= of) {
    throw new PatternTextError({ what: `'${text}' is not a sparsity pattern`, expected: "'unstructured', or N:M with 0 < N < M, such as 2:4" });
  }
  return { keep, of };
}

export function patternText(pattern: NM | undefined): string {
  return pattern === undefined ? 'unstructured' : `${pattern.keep}:${pattern.of}`;
}

/** Counts of the groups of one size by how many weights they keep. */
export interface GroupTally {
  /** M */
  of: number;
  groups: number;
  /** Number of groups for each number of kept weights, 0 to M. */
  byKept: Float64Array;
  /** The first groups (in row-major order) for each number of kept weights. */
  examples: number[][];
}

/** Counts groups of `of` consecutive weights. @returns undefined if `of` does not divide the linear's inputs */
export function tallyGroups({ shape, bits }: PackedMask, of: number): GroupTally | undefined {
  if (shape[1] % of !== 0) return undefined;
  // Rows consist of whole groups, so all weights can be read as one long row.
  const groups = weightsOf(shape) / of;
  const byKept = new Float64Array(of + 1);
  const examples: number[][] = Array.from({ length: of + 1 }, () => []);
  const withinBytes = 8 % of === 0;
  const low = (1 << of) - 1;
  for (let group = 0; group < groups; group++) {
    const at = group * of;
    const kept = withinBytes ? onesOf[(bits[at >>> 3] >>> (at & 7)) & low] : countKept(bits, at, at + of);
    byKept[kept]++;
    if (examples[kept].length < exampleLimit) examples[kept].push(group);
  }
  return { of, groups, byKept, examples };
}

/** Whether a group must keep `exactly` N weights, or `atMost` N because kept weights may happen to be zero. */
export type Strictness = 'exactly' | 'atMost';

/** Counts the groups that do not keep N weights, and lists the first ones with the number that they keep. */
export function brokenGroups(tally: GroupTally, keep: number, strictness: Strictness): { count: number; examples: { group: number; kept: number }[] } {
  const examples: { group: number; kept: number }[] = [];
  let count = 0;
  for (let kept = 0; kept <= tally.of; kept++) {
    if (kept === keep || (strictness === 'atMost' && kept < keep)) continue;
    count += tally.byKept[kept];
    examples.push(...tally.examples[kept].map((group) => ({ group, kept })));
  }
  examples.sort((a, b) => a.group - b.group);
  return { count, examples: examples.slice(0, exampleLimit) };
}

/**
 * Detects the N:M pattern of a linear, with the smallest M of {@link detectableSizes}: more than half of the groups keep exactly N,
 * and all keep N (`exactly`) or at most N (`atMost`). Up to a tenth of the groups may break it, if the others cannot be
 * chance; {@link brokenGroups} finds those.
 */
export function detectNM(tallies: readonly GroupTally[], strictness: Strictness): NM | undefined {
  for (const tally of tallies) {
    const keep = tally.byKept.findIndex((count) => count > tally.groups / 2);
    if (keep < 1 || keep >= tally.of) continue;
    const { count } = brokenGroups(tally, keep, strictness);
    if (count === 0 || (count <= tally.groups / 10 && isSignificant(tally, keep, strictness, count))) return { keep, of: tally.of };
  }
  return undefined;
}

/** A pattern counts as real if its probability by chance is below exp(-20), about 1 in 500 million. */
const significance = 20;

/**
 * Whether so few broken groups cannot be chance: if every weight were kept independently with the same probability, the probability
 * would be below exp(-{@link significance}), by Chernoff's bound.
 */
function isSignificant({ of, groups, byKept }: GroupTally, keep: number, strictness: Strictness, broken: number): boolean {
  const share = byKept.reduce((sum, count, kept) => sum + count * kept, 0) / (groups * of);
  let expected = 0;
  let term = (1 - share) ** of;
  for (let kept = 0; kept <= keep; kept++) {
    if (kept === keep || strictness === 'atMost') expected += term;
    term *= ((of - kept) / (kept + 1)) * (share / (1 - share));
  }
  const found = 1 - broken / groups;
  if (found <= expected) return false;
  const divergence = found * Math.log(found / expected) + (1 - found) * Math.log((1 - found) / (1 - expected));
  return groups * divergence > significance;
}

/** Tallies for all detectable sizes that divide the linear's inputs, smallest first. */
export function tallyAll(mask: PackedMask): GroupTally[] {
  return detectableSizes.map((of) => tallyGroups(mask, of)).filter((tally) => tally !== undefined);
}
