import { countKept, weightsOf, type PackedMask } from './packed-mask.js';

/**
 * Which weights of a linear share a budget: all (`layer`), a row (`output`), a column (`input`), or a block of consecutive columns
 * over all rows, as in SparseGPT (`{ columns: 128 }`; the last block may be narrower).
 */
export type Groups = 'layer' | 'output' | 'input' | { columns: number };

/** The number of pruned weights in a group. */
export interface GroupCount {
  /** `row 3`, for messages. */
  label: string;
  zeros: number;
  size: number;
}

/** Counts the pruned weights in every group of a linear, in order. */
export function groupZeros(mask: PackedMask, groups: Groups): GroupCount[] {
  const { bits, shape } = mask;
  const [rows, columns] = shape;
  if (groups === 'layer') {
    const size = weightsOf(shape);
    return [{ label: 'the whole linear', zeros: size - countKept(bits, 0, size), size }];
  }
  if (groups === 'output') {
    return Array.from({ length: rows }, (_, row) => ({
      label: `row ${row}`, zeros: columns - countKept(bits, row * columns, (row + 1) * columns), size: columns,
    }));
  }
  const width = groups === 'input' ? 1 : groups.columns;
  const kept = new Float64Array(Math.ceil(columns / width));
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < kept.length; block++) {
      const first = row * columns + block * width;
      kept[block] += countKept(bits, first, Math.min(first + width, (row + 1) * columns));
    }
  }
  return Array.from(kept, (count, block) => {
    const first = block * width;
    const last = Math.min(first + width, columns) - 1;
    const size = rows * (last - first + 1);
    return { label: first === last ? `column ${first}` : `columns ${first} to ${last}`, zeros: size - count, size };
  });
}
