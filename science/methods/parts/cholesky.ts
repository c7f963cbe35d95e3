/**
 * The dense linear algebra of SparseGPT: one in-place sweep, block by block, whose work lies almost all in one product. It
 * costs n^3 / 3 multiply-adds, a third of "factor, invert, factor again".
 *
 * Everything is float64 on the host, but for the products that reach beyond a block: those run in the engine, in float32, 10
 * to 100 times as fast, and are subtracted in float64. That moves the matrix by some 2^-24 of its diagonal, no more than its
 * own making did, which sums products of float32; damping moves it by 2^-7. Small matrices are float64 throughout.
 */
import { setImmediate as macrotask } from 'node:timers/promises';
import { tf } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';

/** Up to this size nothing leaves the host: it takes a fifth of a second. */
const hostSize = 1024;
/** Columns of a larger matrix whose products with the rest run in the engine together. */
const blockWidth = 256;
/** Columns of a block that are eliminated together. */
const panelWidth = 64;
/** Packed rows that stay in the second-level cache while others pass by. */
const tileRows = 128;
/** Rows of one product in the engine, so that its result stays some 50 MB. */
const productRows = 1024;

/**
 * The inverse of the Cholesky factor: with `A = L L^T`, puts `L^-1` in the place of A.
 *
 * At every step the rows above are final, and those below hold what the sweep has left of them: Schur complement on the
 * right, and on the left the sums that forward substitution needs. Both are updated by the same product.
 *
 * @param a symmetric `[n, n]`, row-major. Only the lower triangle is read; the strictly upper one is left undefined.
 * @returns false if A is not finite, or not positive definite beyond rounding: where a pivot is below 2^-52 n of its
 *   diagonal element (in blocks, 2^-24 for each). `a` is spoilt then.
 */
export async function invertCholesky(a: Float64Array, n: number): Promise<boolean> {
  const step = n <= hostSize ? n : blockWidth;
  const rounding = step === n ? n * Number.EPSILON : Math.ceil(n / step) * 2 ** -24;
  const leastPivots = Float64Array.from({ length: n }, (_, i) => a[i * (n + 1)] * rounding);
  const right = new Float64Array(n * panelWidth);
  for (let start = 0; start < n; start += step) {
    const end = Math.min(start + step, n);
    const below = new Float32Array((n - end) * (end - start));
    for (let panel = start; panel < end; panel += panelWidth) {
      const width = Math.min(panelWidth, end - panel);
      const diagonal = factorDiagonal(a, n, panel, width, leastPivots);
      if (diagonal === undefined) return false;
      solvePanel(a, n, panel, width, diagonal, right);
      finishRows(a, n, panel, width, diagonal, right);
      const after = panel + width;
      subtractProducts(a, n, [after, end], [0, end], right, width);
      subtractProducts(a, n, [end, n], [after, end], right, width);
      for (let row = end; row < n; row++) {
        const target = (row - end) * (end - start) + panel - start;
        for (let k = 0; k < width; k++) below[target + k] = right[row * width + k];
      }
    }
    if (end < n) await subtractFar(a, n, start, end, below);
  }
  return true;
}

/**
 * What a finished block leaves of the rows below it: `a[i, j] -= l[i] . r[j]` for all columns up to the diagonal, r being l
 * itself on the right of the block, and up to its end the negated rows of `L^-1`.
 *
 * @param below the factor's columns of the block, `[n - end, end - start]`
 */
async function subtractFar(a: Float64Array, n: number, start: number, end: number, below: Float32Array): Promise<void> {
  const width = end - start;
  const inverse = new Float32Array(width * end);
  for (let i = 0; i < width; i++) {
    const row = (start + i) * n;
    for (let column = 0; column <= start + i; column++) inverse[i * end + column] = -a[row + column];
  }
  const left = tf.tensor2d(inverse, [width, end]);
  const lower = tf.tensor2d(below, [n - end, width]);
  try {
    for (let first = end; first < n; first += productRows) {
      const rows = Math.min(productRows, n - first);
      const lines = lower.slice([first - end, 0], [rows, width]);
      await subtractTile(a, n, first, 0, rows, end, tf.matMul(lines, left));
      const columns = first + rows - end;
      await subtractTile(a, n, first, end, rows, columns, tf.tidy(() => tf.matMul(lines, lower.slice([0, 0], [columns, width]), false, true)));
      lines.dispose();
    }
  } finally {
    tf.dispose([left, lower]);
  }
}

/** Subtracts `[rows, columns]` at `(row, column)`; disposes the product. */
async function subtractTile(a: Float64Array, n: number, row: number, column: number, rows: number, columns: number, product: Tensor2D): Promise<void> {
  const values = await product.data<'float32'>();
  product.dispose();
  for (let i = 0; i < rows; i++) {
    const target = (row + i) * n + column;
    const source = i * columns;
    for (let j = 0; j < columns; j++) a[target + j] -= values[source + j];
  }
  // Lets a cancellation be seen.
  await macrotask();
}

/** Cholesky factor `[width, width]` of the diagonal block at `start`, packed. */
function factorDiagonal(
  a: Float64Array,
  n: number,
  start: number,
  width: number,
  leastPivots: Float64Array,
): Float64Array | undefined {
  const factor = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[(start + i) * n + start + j];
      for (let k = 0; k < j; k++) sum -= factor[i * width + k] * factor[j * width + k];
      if (i > j) factor[i * width + j] = sum / factor[j * width + j];
      // Written so that NaN fails too.
      else if (sum > Math.max(0, leastPivots[start + i]) && sum < Infinity) factor[i * width + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return factor;
}

/**
 * The factor's columns below the diagonal block go to their rows of `right`, `[n, width]`; what they were computed from is
 * set to zero, so that the update finds empty sums there.
 */
function solvePanel(a: Float64Array, n: number, start: number, width: number, diagonal: Float64Array, right: Float64Array): void {
  for (let row = start + width; row < n; row++) {
    const source = row * n + start;
    const target = row * width;
    for (let j = 0; j < width; j++) {
      let sum = a[source + j];
      for (let k = 0; k < j; k++) sum -= right[target + k] * diagonal[j * width + k];
      right[target + j] = sum / diagonal[j * width + j];
    }
    a.fill(0, source, source + width);
  }
}

/** Forward substitution finishes the block's rows of `L^-1`; negated and transposed they are the first rows of `right`. */
function finishRows(a: Float64Array, n: number, start: number, width: number, diagonal: Float64Array, right: Float64Array): void {
  const end = start + width;
  for (let i = 0; i < width; i++) {
    const row = (start + i) * n;
    const scale = 1 / diagonal[i * width + i];
    for (let column = 0; column < start; column++) a[row + column] = -a[row + column];
    a.fill(0, row + start, row + end);
    a[row + start + i] = 1;
    for (let k = 0; k < i; k++) {
      const factor = diagonal[i * width + k];
      const above = (start + k) * n;
      for (let column = 0; column <= start + k; column++) a[row + column] -= factor * a[above + column];
    }
    for (let column = 0; column <= start + i; column++) {
      a[row + column] *= scale;
      right[column * width + i] = -a[row + column];
    }
    for (let column = start + i + 1; column < end; column++) right[column * width + i] = 0;
  }
}

/** `a[i, j] -= right[i] . right[j]` for those rows and columns, each from the first up to the second, down to the diagonal. */
function subtractProducts(a: Float64Array, n: number, rows: readonly [number, number], columns: readonly [number, number], right: Float64Array, width: number): void {
  const [first, last] = rows;
  for (let tile = columns[0]; tile < columns[1]; tile += tileRows) {
    const tileEnd = Math.min(tile + tileRows, columns[1]);
    for (let i = Math.max(first, tile); i < last; i += 2) {
      const end = Math.min(tileEnd, i + 2);
      if (i + 1 === last) {
        for (let j = tile; j < end; j++) subtractDot(a, n, i, j, right, width);
        continue;
      }
      let j = tile;
      for (; j + 4 <= end; j += 4) subtractDots(a, n, i, j, right, width);
      for (; j < end; j++) {
        subtractDot(a, n, i, j, right, width);
        subtractDot(a, n, i + 1, j, right, width);
      }
    }
  }
}

function subtractDot(a: Float64Array, n: number, i: number, j: number, right: Float64Array, width: number): void {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += right[i * width + k] * right[j * width + k];
  a[i * n + j] -= sum;
}

/** Two rows by four columns at once: eight sums in registers, six loads for eight products. */
function subtractDots(a: Float64Array, n: number, i: number, j: number, right: Float64Array, width: number): void {
  let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
  const i0 = i * width;
  const i1 = i0 + width;
  const j0 = j * width;
  const j1 = j0 + width;
  const j2 = j1 + width;
  const j3 = j2 + width;
  for (let k = 0; k < width; k++) {
    const x0 = right[i0 + k];
    const x1 = right[i1 + k];
    const y0 = right[j0 + k];
    const y1 = right[j1 + k];
    const y2 = right[j2 + k];
    const y3 = right[j3 + k];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
  }
  const row0 = i * n + j;
  a[row0] -= s00;
  a[row0 + 1] -= s01;
  a[row0 + 2] -= s02;
  a[row0 + 3] -= s03;
  const row1 = row0 + n;
  a[row1] -= s10;
  a[row1 + 1] -= s11;
  a[row1 + 2] -= s12;
  a[row1 + 3] -= s13;
}
