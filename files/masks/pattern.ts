import { PatternTextError } from './errors.js';
import { countKept, onesOf, weightsOf, type PackedMask } from './packed-mask.js';

/** Of every M (`of`) consecutive inputs of a row, N (`keep`) are kept. */
export interface NM {
  keep: number;
  of: number;
}

/** Values of M that are looked for, smallest first. */
export const detectableSizes: readonly number[] = [2, 4, 8, 16, 32];

/** Groups remembered for each number of kept weights. */
const exampleLimit = 20;

/** @returns undefined for `unstructured` @throws PatternTextError for anything else than that or N:M with 0 < N < M */
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

/** How many groups of one size keep how many weights. */
export interface GroupTally {
  /** M */
  of: number;
  groups: number;
  /** Number of groups by how many weights they keep, 0 to M. */
  byKept: Float64Array;
  /** The first groups (counted row-major) by how many weights they keep. */
  examples: number[][];
}

/** Counts groups of `of` consecutive weights. @returns undefined if `of` does not divide the linear's inputs */
export function tallyGroups({ shape, bits }: PackedMask, of: number): GroupTally | undefined {
  if (shape[1] % of !== 0) return undefined;
  // Rows are whole groups, so that the weights may be read as one long row.
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

/** Of a group: keeps `exactly` N, or `atMost` N, if some kept weights may happen to be zero. */
export type Strictness = 'exactly' | 'atMost';

/** Number of groups that do not keep N, and the first of them: the group's number and how many it keeps. */
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
 * The N:M pattern that one linear has, with the smallest M of {@link detectableSizes}: more than half of the groups keep exactly N,
 * and all keep N (`exactly`) or no more (`atMost`). It is also named where up to a tenth of the groups break it, if that cannot be
 * chance; {@link brokenGroups} finds those.
 */
export function detectNM(tallies: readonly GroupTally[], strictness: Strictness): NM | undefined {
  for (const tally of tallies) {
    const keep = tally.byKept.findIndex((count) => count > tally.groups / 2);
    if (keep < 1 || keep >= tally.of) continue;
    const { count } = brokenGroups(tally, keep, strictness);
    if (count === 0 || (count <= tally.groups / 10 && isNoChance(tally, keep, strictness, count))) return { keep, of: tally.of };
  }
  return undefined;
}

/** Natural logarithm of the odds that are beyond chance: one in some hundred millions. */
const certainty = 20;

/**
 * Whether so few broken groups tell of a pattern: by Chernoff's bound, were every weight kept independently of the others with the
 * same probability, the chance of it would be below exp(-{@link certainty}).
 */
function isNoChance({ of, groups, byKept }: GroupTally, keep: number, strictness: Strictness, broken: number): boolean {
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
  return groups * divergence > certainty;
}

/** All sizes that fit the linear, smallest first. */
export function tallyAll(mask: PackedMask): GroupTally[] {
  return detectableSizes.map((of) => tallyGroups(mask, of)).filter((tally) => tally !== undefined);
}
