/** Size of the square tiles that are transposed. Small enough that source and target stay in the first-level cache. */
const tile = 32;

/** Transposes `[rows, columns]`, row-major, into `target`, an array of the same type and length. */
export function transpose<T extends Uint32Array | Uint8Array>(source: T, rows: number, columns: number, target: T): T {
  for (let row0 = 0; row0 < rows; row0 += tile) {
    const rowEnd = Math.min(row0 + tile, rows);
    for (let column0 = 0; column0 < columns; column0 += tile) {
      const columnEnd = Math.min(column0 + tile, columns);
      for (let row = row0; row < rowEnd; row++) {
        for (let column = column0; column < columnEnd; column++) target[column * rows + row] = source[row * columns + column]!;
      }
    }
  }
  return target;
}
