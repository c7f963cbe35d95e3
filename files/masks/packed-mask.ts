/** `[out, in]` */
export type Shape = readonly [number, number];

/** The mask of a linear in the layout of mask files: row-major, one bit per weight, lowest bit first, 1 = kept. */
export interface PackedMask {
  name: string;
  shape: Shape;
  bits: Uint8Array;
}

/** Number of ones in each byte value. */
export const onesOf = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest !== 0; rest >>>= 1) ones += rest & 1;
  return ones;
});

export function weightsOf([rows, columns]: Shape): number {
  return rows * columns;
}

/** Number of bytes of a linear's packed bits. */
export function packedBytes(shape: Shape): number {
  return Math.ceil(weightsOf(shape) / 8);
}

/** Counts the kept weights from `begin` to `end` (exclusive) in row-major order. Both must be below 2^32. */
export function countKept(bits: Uint8Array, begin: number, end: number): number {
  if (begin >= end) return 0;
  const first = begin >>> 3;
  const last = (end - 1) >>> 3;
  const head = 0xff << (begin & 7);
  const tail = 0xff >>> (7 - ((end - 1) & 7));
  if (first === last) return onesOf[bits[first] & head & tail];
  let kept = onesOf[bits[first] & head & 0xff] + onesOf[bits[last] & tail];
  for (let byte = first + 1; byte < last; byte++) kept += onesOf[bits[byte]];
  return kept;
}
