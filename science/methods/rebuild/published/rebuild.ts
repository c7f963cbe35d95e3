import type { Granularity, Pattern, Shape } from '../../parts/pattern.js';
import { PruningInputError } from '../../parts/errors.js';
import { checkFinite } from '../../parts/finite.js';
import { checkDivides } from '../../parts/pattern.js';
import { bitsOf } from '../../parts/float-bits.js';
import { applyPatternSwaps } from './pattern-swaps.js';
import { applySwaps, findSwaps, pivotOf } from './swaps.js';
import type { Segment, Swaps } from './swaps.js';
import { transpose } from '../../parts/transpose.js';

export interface SwapRequest {
  /** Importance of every weight, one array `[out, in]` per linear, in the sub-block's order; >= 0. */
  importance: readonly Float32Array[];
  /** 1 = kept. */
  masks: readonly Uint8Array[];
  shapes: readonly Shape[];
  pattern: Pattern;
  /** Ignored for N:M, where growths are found by row. */
  granularity: Granularity;
  /** Share of the found swaps that are made, in (0, 1]. */
  ratio: number;
  /** Names of the linears, for error messages. */
  names?: readonly string[];
}

export interface SwapResult {
  /** New arrays. */
  masks: Uint8Array[];
  /** Per linear. Over every group and the sub-block the two are equal. Per linear they are equal only if groups are within a linear. */
  swaps: { grown: number; pruned: number }[];
}

/**
 * Runs step 3 of LLM-Barber (Su et al. 2024): in each group of the granularity, pruned weights of high importance replace kept
 * weights of low importance. Ties go to the lower index: order of the linears, then row-major. Every group keeps the same number
 * of weights as before; with N:M, so does every group of M inputs.
 *
 * @throws NonFiniteScoreError, PatternError, PruningInputError
 */
export function selectSwaps(request: SwapRequest): SwapResult {
  checkRatio(request.ratio);
  return swapSelection(request)(request.ratio);
}

/**
 * Like {@link selectSwaps}, for several ratios: checks and ranks once for all of them.
 *
 * @returns a function that selects at a ratio in (0, 1]
 */
export function swapSelection(request: Omit<SwapRequest, 'ratio'>): (ratio: number) => SwapResult {
  checkRequest(request);
  const { importance, masks: before, shapes, pattern, granularity } = request;
  // One pivot per group, in the order in which they are visited.
  const pivots: (number | undefined)[] = [];
  return (ratio) => {
    checkRatio(ratio);
    const linears = shapes.map((shape, index) => ({ importance: bitsOf(importance[index]), mask: before[index].slice(), shape }));
    let visited = 0;
    const find = (group: readonly Segment[]): Swaps | undefined => {
      if (visited === pivots.length) pivots.push(pivotOf(group));
      return findSwaps(group, ratio, pivots[visited++]);
    };
    if (pattern.kind === 'N:M') {
      for (const linear of linears) for (const row of rowsOf(linear, linear.shape)) swapWithinPattern(row, find, pattern.of);
    } else {
      swapByGranularity(linears, granularity, find);
    }
    const masks = linears.map((linear) => linear.mask);
    return { masks, swaps: masks.map((mask, index) => countChanges(before[index], mask)) };
  };
}

function checkRatio(ratio: number): void {
  if (!(ratio > 0 && ratio <= 1)) throw new PruningInputError({ what: `the ratio ${ratio}`, expected: 'a number in (0, 1]' });
}

function checkRequest(request: Omit<SwapRequest, 'ratio'>): void {
  const { importance, masks: before, shapes, pattern } = request;
  const names = request.names ?? shapes.map((_, index) => `linear ${index + 1}`);
  shapes.forEach((shape, index) => {
    const name = names[index] ?? '';
    const lengths = [importance[index]?.length, before[index]?.length];
    if (lengths.some((length) => length !== shape[0] * shape[1])) {
      throw new PruningInputError({ where: name, what: `${lengths.join(' importances and a mask of ')}`, expected: `[${shape.join(', ')}]` });
    }
    checkDivides(pattern, { name, shape });
    checkFinite(importance[index], shape[1], `importance of ${name}`);
  });
}

/** Finds the swaps of the next group. */
type Find = (group: readonly Segment[]) => Swaps | undefined;

function swapByGranularity(linears: (Segment & { shape: Shape })[], granularity: Granularity, find: Find): void {
  switch (granularity) {
    case 'block':
      return swapGroup(linears, find);
    case 'layer':
      for (const linear of linears) swapGroup([linear], find);
      return;
    case 'output':
      for (const linear of linears) for (const row of rowsOf(linear, linear.shape)) swapGroup([row], find);
      return;
    case 'input':
      for (const { importance, mask, shape } of linears) {
        const [outputs, inputs] = shape;
        const transposed = {
          importance: transpose(importance, outputs, inputs, new Uint32Array(importance.length)),
          mask: transpose(mask, outputs, inputs, new Uint8Array(mask.length)),
        };
        for (const column of rowsOf(transposed, [inputs, outputs])) swapGroup([column], find);
        transpose(transposed.mask, inputs, outputs, mask);
      }
  }
}

function* rowsOf({ importance, mask }: Segment, [rows, length]: Shape): Generator<Segment> {
  for (let start = 0; start < rows * length; start += length) {
    yield { importance: importance.subarray(start, start + length), mask: mask.subarray(start, start + length) };
  }
}

function swapGroup(group: readonly Segment[], find: Find): void {
  const swaps = find(group);
  if (swaps !== undefined) applySwaps(group, swaps);
}

function swapWithinPattern(row: Segment, find: Find, of: number): void {
  const swaps = find([row]);
  if (swaps !== undefined) applyPatternSwaps(row, swaps, of);
}

function countChanges(before: Uint8Array, after: Uint8Array): { grown: number; pruned: number } {
  let grown = 0;
  let pruned = 0;
  for (let i = 0; i < before.length; i++) {
    grown += after[i] & (1 - before[i]);
    pruned += before[i] & (1 - after[i]);
  }
  return { grown, pruned };
}
