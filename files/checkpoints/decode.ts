// The engine runs only on little-endian machines, and safetensors files are little-endian: typed arrays can view their bytes directly.

/** The float32 bits for each of the 65,536 float16 bit patterns. */
let halfTable: Uint32Array | undefined;

/** Converts IEEE 754 binary16 to binary32, exactly. Keeps the payload of a NaN. */
function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // A denormal m * 2^-24 is a normal float32: shift the leading one to the position of float32's implicit bit.
  const shift = Math.clz32(mantissa) - 21;
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)) >>> 0;
}

/** Converts float16 bit patterns to float32, exactly, including denormals, infinities and NaN. */
export function decodeF16(halves: Uint16Array): Float32Array {
  halfTable ??= Uint32Array.from({ length: 0x10000 }, (_, half) => halfToFloatBits(half));
  const table = halfTable;
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]];
  return new Float32Array(bits.buffer);
}

/** Converts bfloat16 bit patterns to float32. A bfloat16 is the upper half of a float32. */
export function decodeBF16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}
