import { packBits, readTensorBytes, unpackBits } from '../../checkpoints/index.js';
import { SparseFormatError } from '../errors.js';
import { classifyWords, floatLayout, wordsOf, type Words } from '../float-words.js';
import { weightsOf, type Shape } from '../packed-mask.js';
import type { LinearInfo } from '../prunable.js';

/** The sparse formats of compressed-tensors up to version 0.14. */
export const sparseFormats = ['sparse-bitmask', 'sparse-24-bitmask'] as const;
export type SparseFormat = (typeof sparseFormats)[number];

/** The weights of a linear, and which of them are stored: one byte per weight, 1 = stored. */
interface StoredValues {
  words: Words;
  stored: Uint8Array;
}

/**
 * Returns which values of a linear a format stores: the nonzero ones; for 2:4 exactly two of every four, including zeros if needed.
 * @throws SparseFormatError if the linear is not 2:4
 */
export async function storedValuesOf(info: LinearInfo, format: SparseFormat): Promise<StoredValues> {
  const layout = floatLayout(info.dtype);
  if (layout === undefined) throw new TypeError(`no layout for ${info.dtype}`);
  const words = wordsOf(layout, await readTensorBytes(info));
  const stored = unpackBits(classifyWords(words, layout).nonzero, words.length);
  if (format === 'sparse-24-bitmask') completePairs(stored, info);
  return { words, stored };
}

/** Adds zeros so that exactly two of every four values are stored. The first zeros are taken. */
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

/** The bytes of the stored values. */
export function compressedValues({ words, stored }: StoredValues): Uint8Array {
  const kept = words.filter((_, i) => stored[i] === 1);
  return new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength);
}

/** One bit per weight, lowest first. Each row starts at a new byte. */
export function rowBits({ stored }: Pick<StoredValues, 'stored'>, [rows, columns]: Shape): Uint8Array {
  if (columns % 8 === 0) return packBits(stored);
  const bytes = Math.ceil(columns / 8);
  const bits = new Uint8Array(rows * bytes);
  for (let row = 0; row < rows; row++) bits.set(packBits(stored.slice(row * columns, (row + 1) * columns)), row * bytes);
  return bits;
}

/** For each row, the number of stored values before it; and finally the total. */
export function rowOffsets({ stored }: Pick<StoredValues, 'stored'>, shape: Shape): number[] {
  const offsets = [0];
  for (let i = 0, count = 0; i < weightsOf(shape); ) {
    for (const end = i + shape[1]; i < end; i++) count += stored[i];
    offsets.push(count);
  }
  return offsets;
}
