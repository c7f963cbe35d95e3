/**
 * Exact order statistics without sorting. Finite floats of the same sign have the same order as their bits, so the k-th smallest is
 * found digit by digit. A histogram of the highest digit tells its bin and its rank within the bin. The values of this bin are
 * copied, and the next digit is found among them, down to the last bit. Then all ties are known exactly. Every large pass is a loop
 * over typed arrays without data-dependent branches.
 *
 * All functions order by magnitude (the sign bit is ignored), so weights need no copy of their absolute values.
 */
import { magnitudeBits } from './float-bits.js';

/** Digits as [lowest bit, width]. Small groups use narrow digits, because clearing a histogram must not cost more than counting. */
const narrowDigits = [[23, 8], [15, 8], [7, 8], [0, 7]] as const;
const wideDigits = [[20, 11], [10, 10], [0, 10]] as const;
const wideFrom = 4096;

const histogram = new Uint32Array(1 << 11);
/** The values of a bin. Grows to the size of the largest bin. */
let bin = new Uint32Array(0);

export interface OrderStatistic {
  /** Bits of the magnitude. */
  bits: number;
  /** The number of equal values that rank before it: it is number `before` (from 0) of `equal`. */
  before: number;
  /** The number of values that are equal to it, including itself. */
  equal: number;
}

/**
 * Returns the value with the given rank (from 0, ascending by magnitude) in a group that may consist of several arrays.
 *
 * @param segments bits of finite floats; `0 <= rank <` their total length
 */
export function orderStatistic(segments: readonly Uint32Array[], rank: number): OrderStatistic {
  const size = segments.reduce((sum, segment) => sum + segment.length, 0);
  let candidates = segments;
  let prefix = 0;
  let before = rank;
  let equal = size;
  for (const [shift, width] of size < wideFrom ? narrowDigits : wideDigits) {
    histogram.fill(0, 0, 1 << width);
    for (const segment of candidates) countDigits(segment, shift, (1 << width) - 1);
    let digit = 0;
    while (before >= histogram[digit]) before -= histogram[digit++];
    equal = histogram[digit];
    prefix = (prefix << width) | digit;
    if (shift > 0) candidates = [takeBin(candidates, shift, prefix, equal)];
  }
  return { bits: prefix, before, equal };
}

function countDigits(segment: Uint32Array, shift: number, digit: number): void {
  for (let i = 0; i < segment.length; i++) histogram[((segment[i] & magnitudeBits) >>> shift) & digit]++;
}

/** Frees the memory that is kept for the next search. After a whole sub-block it is a large part of the sub-block's own size. */
export function freeSelection(): void {
  bin = new Uint32Array(0);
}

/** Copies the `count` values that begin with `prefix` to {@link bin}. The candidates may be in `bin` already. */
function takeBin(candidates: readonly Uint32Array[], shift: number, prefix: number, count: number): Uint32Array {
  if (bin.length < count) bin = new Uint32Array(count);
  const target = bin;
  let taken = 0;
  for (const segment of candidates) {
    for (let i = 0; i < segment.length; i++) {
      const key = segment[i] & magnitudeBits;
      if (key >>> shift === prefix) target[taken++] = key;
    }
  }
  return target.subarray(0, count);
}
