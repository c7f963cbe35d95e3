import { PruningInputError } from '../../parts/errors.js';
import { bitsOf } from '../../parts/float-bits.js';
import type { ScoredLinear } from '../method.js';

const half = 16;
const low = 2 ** half - 1;

/**
 * Returns the median of the Wanda scores `|W_ij| * ||x_j||_2`, in float32, over all weights of a layer. For an even count it is the
 * lower of the two middle scores, as in PyTorch. Positive floats have the same order as their bits, so counting finds first the
 * upper 16 bits of the median, then the lower 16. Nothing is sorted, and the scores are not stored.
 *
 * @param linears all that are pruned in the layer
 * @throws PruningInputError if norms and weights differ in length, or a score is not finite.
 */
export function medianScore(linears: readonly ScoredLinear[]): number {
  const size = linears.reduce((sum, { weight }) => sum + weight.length, 0);
  if (size === 0) return 0;
  const upper = new Float64Array(2 ** half);
  eachScoreBits(linears, (bits) => upper[bits >>> half]++);
  const infinite = 0x7f80;
  if (upper.subarray(infinite).some((count) => count > 0)) throw new PruningInputError({ what: 'a Wanda score that is not finite', expected: 'finite weights and inputs' });
  const high = placeOf(upper, Math.floor((size - 1) / 2));
  const lower = new Float64Array(2 ** half);
  eachScoreBits(linears, (bits) => {
    if (bits >>> half === high.bucket) lower[bits & low]++;
  });
  const bits = high.bucket * 2 ** half + placeOf(lower, high.rank).bucket;
  return new Float32Array(Uint32Array.of(bits).buffer)[0];
}

/** Returns the bucket that holds the number with this rank, and its rank within the bucket. */
function placeOf(counts: Float64Array, rank: number): { bucket: number; rank: number } {
  let left = rank;
  let bucket = 0;
  while (left >= counts[bucket]) left -= counts[bucket++];
  return { bucket, rank: left };
}

function eachScoreBits(linears: readonly ScoredLinear[], take: (bits: number) => void): void {
  for (const { weight, inputNorms } of linears) {
    const width = inputNorms.length;
    if (width === 0 || weight.length % width !== 0) {
      throw new PruningInputError({ what: `${width} input norms for ${weight.length} weights`, expected: 'one for each column' });
    }
    const row = new Float32Array(width);
    const bits = bitsOf(row);
    for (let start = 0; start < weight.length; start += width) {
      for (let column = 0; column < width; column++) row[column] = Math.abs(weight[start + column]) * inputNorms[column];
      bits.forEach(take);
    }
  }
}
