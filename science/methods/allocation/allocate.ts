/**
 * Allocation: how many weights each linear of a model loses. All linears together lose exactly as many weights as under uniform
 * pruning.
 */
import { PruningInputError } from '../parts/errors.js';
import { floorShare } from '../parts/share.js';
import { ownSettings } from '../settings.js';
import type { Deviations, LinearScore } from './method.js';
import { allocationMethodOf, type AllocationMethodName, type AllocationSettings } from './registry.js';
import { totalSize } from './shifts.js';

/** Includes the settings of the method. */
export interface AllocationRequest extends AllocationSettings {
  /** Every linear that is pruned, in any order. The order decides ties. */
  linears: readonly LinearScore[];
  /** Share of zeros over all linears together, in [0, 1]. */
  sparsity: number;
  method: AllocationMethodName | 'uniform';
}

/**
 * Distributes `floor(total * sparsity)` pruned weights over linears. If the method scores linears, then of two linears with the
 * same size, the one with the larger score never loses more weights.
 *
 * @returns pruned weights by name of the linear, for `MaskTarget.pruned`
 * @throws PruningInputError if a share, size, setting or score is out of range.
 */
export function allocate({ linears, sparsity, method, ...settings }: AllocationRequest): Map<string, number> {
  check(linears, settings);
  const { reach, shifts } = method === 'uniform' ? evenly(linears) : deviationsOf(method, linears, settings);
  // Keeps the sparsity of every linear within [0, 1].
  const narrowed = Math.min(reach, sparsity, 1 - sparsity);
  const wanted = linears.map(({ size }, i) => size * (sparsity + narrowed * shifts[i]));
  const counts = roundTo(floorShare(totalSize(linears), sparsity), wanted, linears);
  return new Map(linears.map(({ name }, i) => [name, counts[i]]));
}

function evenly(linears: readonly LinearScore[]): Deviations {
  return { reach: 0, shifts: linears.map(() => 0) };
}

function deviationsOf(name: AllocationMethodName, linears: readonly LinearScore[], settings: AllocationSettings): Deviations {
  const method = allocationMethodOf(name);
  return method.deviations(linears, ownSettings(method.settings, settings));
}

/** Rounds `wanted` to whole numbers that add up to `total`. The numbers with the largest remainders are rounded up. Ties go to the lower score. */
function roundTo(total: number, wanted: readonly number[], linears: readonly LinearScore[]): number[] {
  const counts = wanted.map(Math.floor);
  let left = total - counts.reduce((sum, count) => sum + count, 0);
  const remainder = (i: number): number => wanted[i] - Math.floor(wanted[i]);
  // Scores may differ by less than shows in `wanted`.
  const order = wanted.map((_, i) => i).sort((a, b) => remainder(b) - remainder(a) || linears[a].score - linears[b].score || a - b);
  // Rounding errors in `wanted` may leave the sum one too low or too high.
  for (let step = Math.sign(left); left !== 0; ) {
    for (const i of step > 0 ? order : order.toReversed()) {
      if (left === 0 || counts[i] + step < 0 || counts[i] + step > linears[i].size) continue;
      counts[i] += step;
      left -= step;
    }
  }
  return counts;
}

function check(linears: readonly LinearScore[], settings: AllocationSettings): void {
  for (const [name, value] of Object.entries(settings) as [string, number | undefined][]) {
    if (value !== undefined && !(value >= 0 && value <= 1)) throw new PruningInputError({ what: `\`${name}\` of ${value}`, expected: 'a number from 0 to 1' });
  }
  for (const { name, size, score } of linears) {
    if (!Number.isSafeInteger(size) || size < 1) throw new PruningInputError({ where: name, what: `${size} weights`, expected: 'a whole number above 0' });
    if (!Number.isFinite(score)) throw new PruningInputError({ where: name, what: `a score of ${score}`, expected: 'a finite number' });
  }
}
