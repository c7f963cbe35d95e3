/**
 * Exact order statistics without sorting. Finite floats of one sign order like their bits, so the k-th smallest is found
 * digit by digit: a histogram of the highest digit tells in which bin it lies and what its rank within the bin is, and so
 * on down to the last bit. Every value is read once a digit, in typed arrays, and ties are known exactly at the end.
 *
 * All functions order by magnitude (the sign bit is ignored), so weights need no copy of their absolute values.
 */

/** All bits of a float32 but the sign. */
const magnitudeBits = 0x7fffffff;

/** Digits as [lowest bit, width]. Many narrow ones where a group is small: clearing a histogram must not outweigh counting. */
const narrowDigits = [[23, 8], [15, 8], [7, 8], [0, 7]] as const;
const wideDigits = [[16, 15], [0, 16]] as const;
const wideFrom = 1 << 17;

const histogram = new Uint32Array(1 << 16);

/** The bits of a float array, without a copy. */
export function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

export interface OrderStatistic {
  /** Bits of the magnitude. */
  bits: number;
  /** How many values equal to it rank before it: it is number `before` (from 0) of `equal`. */
  before: number;
  /** How many values are equal to it, itself included. */
  equal: number;
}

/**
 * The value of a rank (from 0, ascending by magnitude) in a group that may lie in several arrays.
 *
 * @param segments bits of finite floats; `0 <= rank <` their total length
 */
export function orderStatistic(segments: readonly Uint32Array[], rank: number): OrderStatistic {
  const size = segments.reduce((sum, segment) => sum + segment.length, 0);
  let bits = 0;
  let before = rank;
  let equal = size;
  for (const [shift, width] of size < wideFrom ? narrowDigits : wideDigits) {
    histogram.fill(0, 0, 1 << width);
    for (const segment of segments) countDigits(segment, bits, shift, width);
    let digit = 0;
    while (before >= histogram[digit]) before -= histogram[digit++];
    equal = histogram[digit]!;
    bits = (bits << width) | digit;
  }
  return { bits, before, equal };
}

/** Counts the values whose digits above this one are `prefix`, by this digit. */
function countDigits(segment: Uint32Array, prefix: number, shift: number, width: number): void {
  const above = shift + width;
  const digit = (1 << width) - 1;
  for (let i = 0; i < segment.length; i++) {
    const key = segment[i] & magnitudeBits;
    if (key >>> above === prefix) histogram[(key >>> shift) & digit]++;
  }
}

/** Up to this size the smallest of a group are picked one by one, which needs no histogram: the groups of N:M. */
const pickOneByOne = 32;

/**
 * Prunes the `count` smallest magnitudes of every group of `groupSize` consecutive scores; of equal ones, the lower position.
 *
 * @param scores finite; a whole number of groups
 * @param mask as long as `scores`; every element is written, 1 = kept
 */
export function pruneSmallest(scores: Float32Array, groupSize: number, count: number, mask: Uint8Array): void {
  const bits = bitsOf(scores);
  mask.fill(1);
  if (count === 0) return;
  for (let start = 0; start < bits.length; start += groupSize) {
    if (groupSize <= pickOneByOne) pickSmallest(bits, start, start + groupSize, count, mask);
    else pruneUpTo(bits.subarray(start, start + groupSize), count, mask.subarray(start, start + groupSize));
  }
}

function pickSmallest(bits: Uint32Array, start: number, end: number, count: number, mask: Uint8Array): void {
  for (let pick = 0; pick < count; pick++) {
    let smallest = start;
    let least = 0xffffffff;
    for (let i = start; i < end; i++) {
      const key = bits[i] & magnitudeBits;
      if (mask[i] === 1 && key < least) {
        least = key;
        smallest = i;
      }
    }
    mask[smallest] = 0;
  }
}

function pruneUpTo(bits: Uint32Array, count: number, mask: Uint8Array): void {
  const last = orderStatistic([bits], count - 1);
  const threshold = last.bits;
  let ties = last.before + 1;
  for (let i = 0; i < bits.length; i++) {
    const key = bits[i] & magnitudeBits;
    if (key < threshold) mask[i] = 0;
    else if (key === threshold && ties > 0) {
      mask[i] = 0;
      ties--;
    }
  }
}
