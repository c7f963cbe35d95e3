// All machines that the engine runs on are little-endian, as safetensors files are: typed arrays view file bytes as they are.

/** Bit patterns of the float32 values of all 65,536 float16 bit patterns. */
let halfTable: Uint32Array | undefined;

/** IEEE 754 binary16 -> binary32, exactly; the payload of a NaN is kept. */
function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // A denormal m * 2^-24 is a normal float32: shift until the leading one is where float32 leaves it out.
  const shift = Math.clz32(mantissa) - 21;
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)) >>> 0;
}

/** float16 bit patterns -> float32, exactly, denormals, infinities and NaN included. */
export function decodeF16(halves: Uint16Array): Float32Array {
  halfTable ??= Uint32Array.from({ length: 0x10000 }, (_, half) => halfToFloatBits(half));
  const table = halfTable;
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]];
  return new Float32Array(bits.buffer);
}

/** bfloat16 bit patterns -> float32: bfloat16 is the upper half of a float32. */
export function decodeBF16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}
