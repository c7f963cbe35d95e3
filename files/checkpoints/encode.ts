import { decodeBF16, decodeF16 } from './decode.js';

/** Rounds float32 values to the bits of the nearest bfloat16, ties to even. Overflow gives infinity, NaN stays NaN. */
export function encodeBF16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    const word = bits[i];
    // Rounding up could turn a NaN into another value.
    halves[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** Rounds float32 values to the bits of the nearest float16, ties to even. Overflow gives infinity, underflow denormals and zero. */
export function encodeF16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOf(bits[i]);
  return halves;
}

function halfOf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 (halfway between 65504 and 65536) and above round to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  const exponent = magnitude >>> 23;
  // Below 2^-25, half of the smallest denormal, everything rounds to zero.
  if (exponent < 102) return sign;
  if (exponent >= 113) return sign | roundedShift(magnitude - (112 << 23), 13);
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
}

/** `value / 2^shift`, rounded to the nearest integer, ties to even. */
function roundedShift(value: number, shift: number): number {
  const odd = (value >>> shift) & 1;
  return (value + (1 << (shift - 1)) - 1 + odd) >>> shift;
}

/**
 * Encodes float32 values as the bytes of a dtype.
 *
 * @param dtype F32, F16 or BF16
 */
export function encodeTensor(dtype: string, values: Float32Array): Uint8Array {
  const encoded = dtype === 'F16' ? encodeF16(values) : dtype === 'BF16' ? encodeBF16(values) : values;
  return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength);
}

/** Returns the values as a checkpoint of that dtype would store them. For F32, the same array, not a copy. */
export function roundToDtype(dtype: string, values: Float32Array): Float32Array {
  if (dtype === 'F16') return decodeF16(encodeF16(values));
  return dtype === 'BF16' ? decodeBF16(encodeBF16(values)) : values;
}
