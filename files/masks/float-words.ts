/** Floats as the words stored in files, so that all comparisons are of bits. */

export type Words = Uint32Array | Uint16Array;

interface FloatLayout {
  bytes: 2 | 4;
  /** Bit mask: all bits except the sign. */
  magnitude: number;
  /** Bit mask of the exponent. All ones mean NaN or infinity. */
  exponent: number;
}

const layouts = new Map<string, FloatLayout>([
  ['F32', { bytes: 4, magnitude: 0x7fffffff, exponent: 0x7f800000 }],
  ['F16', { bytes: 2, magnitude: 0x7fff, exponent: 0x7c00 }],
  ['BF16', { bytes: 2, magnitude: 0x7fff, exponent: 0x7f80 }],
]);

/** Undefined for dtypes that are compared only as bytes. */
export function floatLayout(dtype: string): FloatLayout | undefined {
  return layouts.get(dtype);
}

/** Returns a view of a tensor's bytes, which must be aligned. */
export function wordsOf({ bytes }: FloatLayout, { buffer, byteOffset, byteLength }: Buffer): Words {
  return bytes === 4 ? new Uint32Array(buffer, byteOffset, byteLength / 4) : new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/** One bit per word, lowest bit first, as in masks. */
export interface WordBits {
  /** Neither +0 nor -0. */
  nonzero: Uint8Array;
  /** NaN or infinity. */
  notFinite: Uint8Array;
}

export function classifyWords(words: Words, { magnitude, exponent }: FloatLayout): WordBits {
  const nonzero = new Uint8Array(Math.ceil(words.length / 8));
  const notFinite = new Uint8Array(nonzero.length);
  for (let byte = 0; byte < nonzero.length; byte++) {
    const begin = byte * 8;
    const end = Math.min(begin + 8, words.length);
    let bits = 0;
    for (let i = begin; i < end; i++) {
      const word = words[i];
      // The sign of the negated magnitude. A branch would be unpredictable with a random mask.
      bits |= (-(word & magnitude) >>> 31) << (i - begin);
      if ((word & exponent) === exponent) notFinite[byte] |= 1 << (i - begin);
    }
    nonzero[byte] = bits;
  }
  return { nonzero, notFinite };
}

/** One bit per word: 1 if the words differ. */
export function differingWords(a: Words, b: Words): Uint8Array {
  const bits = new Uint8Array(Math.ceil(a.length / 8));
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] ^ b[i];
    bits[i >>> 3] |= ((difference | -difference) >>> 31) << (i & 7);
  }
  return bits;
}

/** Formats the number in a word. Distinguishes -0 from 0. */
export function wordText(dtype: string, word: number): string {
  const value = dtype === 'F16' ? halfValue(word) : singleValue(dtype === 'BF16' ? word * 0x10000 : word);
  return Object.is(value, -0) ? '-0' : String(value);
}

function singleValue(word: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, word);
  return view.getFloat32(0);
}

function halfValue(word: number): number {
  const sign = word >>> 15 === 0 ? 1 : -1;
  const exponent = (word >>> 10) & 0x1f;
  const fraction = word & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
