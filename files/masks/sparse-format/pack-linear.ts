import { packBits, readTensorBytes, unpackBits } from '../../checkpoints/index.js';
import { SparseFormatError } from '../errors.js';
import { classifyWords, floatLayout, wordsOf, type Words } from '../float-words.js';
import { weightsOf, type Shape } from '../packed-mask.js';
import type { LinearInfo } from '../prunable.js';

/** The sparse formats of compressed-tensors up to version 0.14. */
export const sparseFormats = ['sparse-bitmask', 'sparse-24-bitmask'] as const;
export type SparseFormat = (typeof sparseFormats)[number];

/** A linear whose stored values are known, one byte a weight: 1 = stored. */
interface StoredValues {
  words: Words;
  stored: Uint8Array;
}

/**
 * Which values of a linear a format stores: those that are not zero; for 2:4 two of every four, with a zero where fewer are not zero.
 * @throws SparseFormatError if the linear is not 2:4
 */
export async function storedValuesOf(info: LinearInfo, format: SparseFormat): Promise<StoredValues> {
  const layout = floatLayout(info.dtype);
  if (layout === undefined) throw new TypeError(`no layout of ${info.dtype}`);
  const words = wordsOf(layout, await readTensorBytes(info));
  const stored = unpackBits(classifyWords(words, layout).nonzero, words.length);
  if (format === 'sparse-24-bitmask') completePairs(stored, info);
  return { words, stored };
}

/** Makes two of every four. The first places get what is missing. */
function completePairs(stored: Uint8Array, { name, shape, file }: LinearInfo): void {
  const refuse = (what: string): never => {
    throw new SparseFormatError({ what, where: `${file}, tensor ${name}`, expected: 'at most 2 of every 4 weights that are not zero', remedy: 'Use --format sparse-bitmask, or prune with pattern: "2:4"' });
  };
  if (shape[1] % 4 !== 0) refuse(`its rows have ${shape[1]} weights, which is not a multiple of 4`);
  for (let begin = 0; begin < stored.length; begin += 4) {
    let missing = 2 - stored[begin] - stored[begin + 1] - stored[begin + 2] - stored[begin + 3];
    if (missing < 0) refuse(`row ${Math.floor(begin / shape[1])} keeps ${2 - missing} of the 4 weights from column ${begin % shape[1]}`);
    for (let i = begin; missing > 0; i++) {
      if (stored[i] === 1) continue;
      stored[i] = 1;
      missing--;
    }
  }
}

/** The stored values, as their bytes. */
export function compressedValues({ words, stored }: StoredValues): Uint8Array {
  const kept = words.filter((_, i) => stored[i] === 1);
  return new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength);
}

/** One bit a weight, lowest first, each row in bytes of its own. */
export function rowBits({ stored }: Pick<StoredValues, 'stored'>, [rows, columns]: Shape): Uint8Array {
  if (columns % 8 === 0) return packBits(stored);
  const bytes = Math.ceil(columns / 8);
  const bits = new Uint8Array(rows * bytes);
  for (let row = 0; row < rows; row++) bits.set(packBits(stored.slice(row * columns, (row + 1) * columns)), row * bytes);
  return bits;
}

/** For each row the number of values that are stored before it, and after the last row the number of all. */
export function rowOffsets({ stored }: Pick<StoredValues, 'stored'>, shape: Shape): number[] {
  const offsets = [0];
  for (let i = 0, count = 0; i < weightsOf(shape); ) {
    for (const end = i + shape[1]; i < end; i++) count += stored[i];
    offsets.push(count);
  }
  return offsets;
}
