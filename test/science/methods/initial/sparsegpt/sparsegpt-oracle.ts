/**
 * SparseGPT as the paper derives it, for small sizes: the formulas of the optimal brain surgeon with the explicit inverse of the Hessian
 * of the remaining weights, one column after the other, each update applied to the whole row at once. Float64, without a factor.
 */
import { floorShare } from '../../../../../science/methods/index.js';
import type { MaskTarget, Shape } from '../../../../../science/methods/index.js';

export interface Oracle {
  mask: Uint8Array;
  weight: Float64Array;
}

/** @param hessian positive definite, already damped */
export function sparseGptOracle(weight: Float32Array, [outputs, inputs]: Shape, hessian: number[][], target: MaskTarget, blockSize: number): Oracle {
  const { pattern } = target;
  const w = Float64Array.from(weight);
  const mask = new Uint8Array(w.length).fill(1);
  const inverses = hessian.map((_, j) => inverse(hessian.slice(j).map((row) => row.slice(j))));
  const prune = (positions: number[], count: number): void => {
    const score = (p: number): number => w[p] ** 2 / inverses[p % inputs][0][0];
    for (const p of positions.toSorted((a, b) => score(a) - score(b) || a - b).slice(0, count)) mask[p] = 0;
  };
  for (let column = 0; column < inputs; column++) {
    const columns = (size: number): number[] => Array.from({ length: Math.min(size, inputs - column) }, (_, j) => column + j);
    const rows = Array.from({ length: outputs }, (_, row) => row * inputs);
    if (pattern.kind === 'N:M') {
      if (column % pattern.of === 0) for (const row of rows) prune(columns(pattern.of).map((j) => row + j), pattern.of - pattern.keep);
    } else if (column % blockSize === 0) {
      const block = rows.flatMap((row) => columns(blockSize).map((j) => row + j));
      prune(block, floorShare(block.length, target.sparsity));
    }
    for (const row of rows) {
      if (mask[row + column] === 1) continue;
      const [line] = inverses[column];
      const error = w[row + column] / line[0];
      line.forEach((value, j) => (w[row + column + j] -= error * value));
      w[row + column] = 0;
    }
  }
  return { mask, weight: w };
}

/** Gauss-Jordan with pivoting. */
export function inverse(matrix: number[][]): number[][] {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column; i < n; i++) if (Math.abs(rows[i][column]) > Math.abs(rows[pivot][column])) pivot = i;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const top = rows[column].map((value) => value / rows[column][column]);
    rows[column] = top;
    rows.forEach((row, i) => {
      if (i !== column) rows[i] = row.map((value, j) => value - row[column] * top[j]);
    });
  }
  return rows.map((row) => row.slice(n));
}

/** The updated weights for a given mask. `upper` is U of the inverse Hessian, row-major `[in, in]`. */
export function updatesUnder(mask: Uint8Array, weight: Float32Array, [outputs, inputs]: Shape, upper: Float64Array): Float32Array {
  const w = Float64Array.from(weight);
  for (let row = 0; row < outputs * inputs; row += inputs) {
    for (let column = 0; column < inputs; column++) {
      if (mask[row + column] === 1) continue;
      const error = w[row + column] / upper[column * inputs + column];
      for (let j = column; j < inputs; j++) w[row + j] -= error * upper[column * inputs + j];
      w[row + column] = 0;
    }
  }
  return Float32Array.from(w);
}
