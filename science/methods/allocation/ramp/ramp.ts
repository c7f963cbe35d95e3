import type { LinearKind } from '../../../models/index.js';
import type { Deviations, LinearScore } from '../method.js';
import { totalSize } from '../shifts.js';

/** The sign of the deviation for each kind of linear. Queries and keys only decide where to look; values and outputs carry the content. */
const directionOf: Readonly<Record<LinearKind, number>> = { q: 1, k: 1, v: -1, o: -1, gate: 0, up: 0, down: 0 };

/**
 * The deviation of a linear in layer l of L is `spread * (2 l / (L - 1) - 1) + kinds * direction`, minus its mean over all weights. If
 * all layers have the same shape and `kinds` is 0, the first layer is `spread` below the model's sparsity, and the last `spread` above.
 *
 * @param spread, kinds shares of weights, from 0
 */
export function rampDeviations(linears: readonly LinearScore[], spread: number, kinds: number): Deviations {
  const last = Math.max(...linears.map(({ layer }) => layer));
  const raw = linears.map(({ layer, kind }) => (last === 0 ? 0 : spread * ((2 * layer) / last - 1)) + (kind === undefined ? 0 : kinds * directionOf[kind]));
  const mean = linears.reduce((sum, { size }, i) => sum + size * raw[i], 0) / totalSize(linears);
  const deviations = raw.map((value) => value - mean);
  const reach = Math.max(...deviations.map(Math.abs));
  return { reach, shifts: deviations.map((value) => (reach === 0 ? 0 : value / reach)) };
}
