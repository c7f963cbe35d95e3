/** All bits of a float32 except the sign. */
export const magnitudeBits = 0x7fffffff;

/** Returns the bits of a float array, without a copy. */
export function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** Returns 1 if a < b, else 0, without a branch. Both must be in [-1, 2^31 - 1], as magnitudes are. */
export function isLess(a: number, b: number): number {
  return (a - b) >>> 31;
}
