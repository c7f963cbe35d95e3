import { bitsOf, isLess, magnitudeBits } from './float-bits.js';
import { orderStatistic } from './selection.js';

/** Up to this group size, ranks are counted directly. This is for the groups of N:M. */
const smallGroup = 32;

/**
 * Prunes the `count` smallest magnitudes of every group of `groupSize` consecutive scores. Ties go to the lower position.
 *
 * @param scores finite; a whole number of groups
 * @param mask of the same length as `scores`; every element is written, 1 = kept
 */
export function pruneSmallest(scores: Float32Array, groupSize: number, count: number, mask: Uint8Array): void {
  const bits = bitsOf(scores);
  if (count === 0) mask.fill(1);
  else if (groupSize <= smallGroup) pruneByRank(bits, groupSize, count, mask);
  else {
    for (let start = 0; start < bits.length; start += groupSize) {
      pruneUpTo(bits.subarray(start, start + groupSize), count, mask.subarray(start, start + groupSize));
    }
  }
}

/** Keeps a weight if at least `count` others in its group rank before it. */
function pruneByRank(bits: Uint32Array, groupSize: number, count: number, mask: Uint8Array): void {
  for (let start = 0; start < bits.length; start += groupSize) {
    const end = start + groupSize;
    for (let i = start; i < end; i++) {
      const key = bits[i] & magnitudeBits;
      let rank = 0;
      for (let j = start; j < i; j++) rank += 1 - isLess(key, bits[j] & magnitudeBits);
      for (let j = i + 1; j < end; j++) rank += isLess(bits[j] & magnitudeBits, key);
      mask[i] = isLess(count - 1, rank);
    }
  }
}

function pruneUpTo(bits: Uint32Array, count: number, mask: Uint8Array): void {
  const last = orderStatistic([bits], count - 1);
  const below = last.bits - 1;
  for (let i = 0; i < bits.length; i++) mask[i] = isLess(below, bits[i] & magnitudeBits);
  let ties = last.before + 1;
  for (let i = 0; ties > 0 && i < bits.length; i++) {
    if ((bits[i] & magnitudeBits) === last.bits) {
      mask[i] = 0;
      ties--;
    }
  }
}
