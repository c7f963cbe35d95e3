import type { ScoredLinear } from '../method.js';
import { outlierShare } from './outliers.js';

/** Returns the same number for all linears of the layer. */
export function score(linears: readonly ScoredLinear[]): number[] {
  const share = outlierShare(linears);
  return linears.map(() => share);
}
