/**
 * Counts the ones in packed bits, word by word.
 *
 * @param bits lowest bit first; starts at any byte and may have any length
 */
export function countOnes(bits: Uint8Array): number {
  // Words must begin at a multiple of four bytes.
  const skipped = -bits.byteOffset & 3;
  const whole = Math.max(0, bits.length - skipped) >>> 2;
  if (whole === 0) return bits.reduce((ones, byte) => ones + onesOf(byte), 0);
  const words = new Uint32Array(bits.buffer, bits.byteOffset + skipped, whole);
  let ones = 0;
  for (let i = 0; i < whole; i++) ones += onesOf(words[i]);
  for (let i = 0; i < skipped; i++) ones += onesOf(bits[i]);
  for (let i = skipped + 4 * whole; i < bits.length; i++) ones += onesOf(bits[i]);
  return ones;
}

/** Adds neighbouring fields of 1, 2 and 4 bits. The product then adds the four bytes. */
function onesOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
