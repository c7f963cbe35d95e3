import { PatternError, PruningInputError } from './errors.js';

/** Where the zeros may be: anywhere, or so that a row keeps exactly N (`keep`) of every M (`of`) consecutive inputs. */
export type Pattern = { kind: 'unstructured' } | { kind: 'N:M'; keep: number; of: number };

/** `[out, in]` */
export type Shape = readonly [number, number];

/** Which weights compete with each other: all linears of a sub-block, one linear, one row, or one column. */
export type Granularity = 'block' | 'layer' | 'output' | 'input';

export const unstructured: Pattern = { kind: 'unstructured' };

/**
 * @param text `unstructured`, or N:M such as `2:4`
 * @throws PatternError for any other text, and unless 0 < N < M.
 */
export function parsePattern(text: string): Pattern {
  if (text === 'unstructured') return unstructured;
  const match = /^(\d{1,6}):(\d{1,6})$/.exec(text);
  const keep = Number(match?.[1]);
  const of = Number(match?.[2]);
  if (match === null || keep === 0 || keep >= of) {
    throw new PatternError({
      what: `'${text}' is not a sparsity pattern`,
      expected: "'unstructured', or 'N:M' with 0 < N < M: of every M consecutive inputs of a row, N are kept",
    });
  }
  return { kind: 'N:M', keep, of };
}

/** Returns the text that {@link parsePattern} reads. */
export function patternText(pattern: Pattern): string {
  return pattern.kind === 'unstructured' ? pattern.kind : `${pattern.keep}:${pattern.of}`;
}

/** Returns the share of zeros that the pattern fixes; undefined for `unstructured`. */
export function patternSparsity(pattern: Pattern): number | undefined {
  return pattern.kind === 'unstructured' ? undefined : (pattern.of - pattern.keep) / pattern.of;
}

/** @throws PatternError if M does not divide the linear's inputs. */
export function checkDivides(pattern: Pattern, linear: { name: string; shape: Shape }): void {
  const inputs = linear.shape[1];
  if (pattern.kind === 'unstructured' || inputs % pattern.of === 0) return;
  throw new PatternError({
    where: linear.name,
    what: `the pattern ${patternText(pattern)} does not fit its ${inputs} inputs, which ${pattern.of} does not divide`,
    expected: `a number of inputs divisible by M = ${pattern.of}`,
    remedy: 'Choose an M that divides the inputs of every linear, or the pattern unstructured.',
  });
}

/** The values of M that {@link detectPattern} tries. */
const detectable = [2, 4, 8, 16, 32];

/**
 * Returns the pattern that all masks share. It is N:M with the smallest M of 2, 4, 8, 16 and 32 for which every group of M consecutive
 * inputs, in every row of every linear, keeps the same number of weights, neither none nor all. Otherwise it is `unstructured`.
 *
 * @param masks row-major `[out, in]`, 1 = kept
 * @param shapes one per mask
 */
export function detectPattern(masks: readonly Uint8Array[], shapes: readonly Shape[]): Pattern {
  if (masks.length !== shapes.length) {
    throw new PruningInputError({ what: `${masks.length} masks with ${shapes.length} shapes`, expected: 'one shape per mask' });
  }
  for (const of of detectable) {
    if (shapes.some(([, inputs]) => inputs % of !== 0)) continue;
    const keep = commonKeep(masks, of);
    if (keep > 0 && keep < of) return { kind: 'N:M', keep, of };
  }
  return unstructured;
}

/** Returns how many weights every group of `of` consecutive weights keeps; 0 if they differ. Rows are whole groups, so masks are read flat. */
function commonKeep(masks: readonly Uint8Array[], of: number): number {
  let common = -1;
  for (const mask of masks) {
    for (let start = 0; start < mask.length; start += of) {
      let kept = 0;
      for (let i = start; i < start + of; i++) kept += mask[i];
      if (common === -1) common = kept;
      else if (kept !== common) return 0;
    }
  }
  return Math.max(common, 0);
}
