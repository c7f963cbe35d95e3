import { MaskSizeError } from './errors.js';

/**
 * Multiplier that moves the lowest bits of the four bytes of a little-endian word into bits 28 to 31 of the product:
 * byte k at bit 8k needs a shift by 28 - 7k, and no two shifted bits collide.
 */
const gather = 0x10204080;
const lowestBits = 0x01010101;

/** For each value of four bits: four bytes that are 0 or 1, as one little-endian word. */
const spread = Uint32Array.from({ length: 16 }, (_, bits) =>
  (bits & 1) | ((bits & 2) << 7) | ((bits & 4) << 14) | ((bits & 8) << 21));

/**
 * Packs a mask into one bit per weight, lowest bit first. Unused bits of the last byte are 0.
 *
 * @param mask one byte per weight, 1 = kept, 0 = pruned
 */
export function packBits(mask: Uint8Array): Uint8Array {
  const aligned = mask.byteOffset % 4 === 0 ? mask : mask.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, mask.length >>> 2);
  const bits = new Uint8Array(Math.ceil(mask.length / 8));
  const whole = mask.length >>> 3;
  for (let i = 0; i < whole; i++) {
    const low = Math.imul(words[2 * i] & lowestBits, gather) >>> 28;
    const high = Math.imul(words[2 * i + 1] & lowestBits, gather) >>> 28;
    bits[i] = low | (high << 4);
  }
  for (let i = whole * 8; i < mask.length; i++) bits[whole] |= (mask[i] & 1) << (i & 7);
  return bits;
}

/**
 * The reverse of `packBits`.
 *
 * @param count number of weights
 * @returns one byte per weight, 1 = kept, 0 = pruned
 * @throws MaskSizeError if the number of bytes is wrong for `count` weights
 */
export function unpackBits(bits: Uint8Array, count: number): Uint8Array {
  checkBitCount(bits, count);
  const mask = new Uint8Array(count);
  const whole = count >>> 3;
  const words = new Uint32Array(mask.buffer, 0, 2 * whole);
  for (let i = 0; i < whole; i++) {
    words[2 * i] = spread[bits[i] & 15];
    words[2 * i + 1] = spread[bits[i] >>> 4];
  }
  for (let i = whole * 8; i < count; i++) mask[i] = (bits[whole] >>> (i & 7)) & 1;
  return mask;
}

/**
 * @param where the file and tensor of the mask, if known
 * @throws MaskSizeError if the number of bytes is wrong for `count` weights
 */
export function checkBitCount(bits: Uint8Array, count: number, where?: string): void {
  if (bits.length === Math.ceil(count / 8)) return;
  throw new MaskSizeError({
    what: `the mask has ${bits.length} bytes`, where, expected: `${Math.ceil(count / 8)} for ${count} weights, one bit each`,
    remedy: 'Use a mask that was made for this model',
  });
}
