/** Floats as the words that lie in files, so that every comparison is one of bits. */

export type Words = Uint32Array | Uint16Array;

interface FloatLayout {
  bytes: 2 | 4;
  /** All bits but the sign. */
  magnitude: number;
  /** All ones there: NaN or infinity. */
  exponent: number;
}

const layouts = new Map<string, FloatLayout>([
  ['F32', { bytes: 4, magnitude: 0x7fffffff, exponent: 0x7f800000 }],
  ['F16', { bytes: 2, magnitude: 0x7fff, exponent: 0x7c00 }],
  ['BF16', { bytes: 2, magnitude: 0x7fff, exponent: 0x7f80 }],
]);

/** Undefined for dtypes that are looked at as bytes only. */
export function floatLayout(dtype: string): FloatLayout | undefined {
  return layouts.get(dtype);
}

/** A view of a tensor's bytes, which must be aligned. */
export function wordsOf({ bytes }: FloatLayout, { buffer, byteOffset, byteLength }: Buffer): Words {
  return bytes === 4 ? new Uint32Array(buffer, byteOffset, byteLength / 4) : new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/** One bit a word, lowest bit first, as in masks. */
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
      // The sign of the negated magnitude, instead of a branch that a random mask makes impossible to predict.
      bits |= (-(word & magnitude) >>> 31) << (i - begin);
      if ((word & exponent) === exponent) notFinite[byte] |= 1 << (i - begin);
    }
    nonzero[byte] = bits;
  }
  return { nonzero, notFinite };
}

/** One bit a word: 1 where the two differ. */
export function differingWords(a: Words, b: Words): Uint8Array {
  const bits = new Uint8Array(Math.ceil(a.length / 8));
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] ^ b[i];
    bits[i >>> 3] |= ((difference | -difference) >>> 31) << (i & 7);
  }
  return bits;
}

/** The number in a word, as text; -0 is not 0. */
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
