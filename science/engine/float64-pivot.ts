/**
 * Whether a Cholesky pivot is larger than the rounding errors of an exact zero.
 * @param element the diagonal element of the pivot
 * @param size number of rows of the matrix
 */
export function isPivot(pivot: number, element: number, size: number): boolean {
  // Written so that NaN fails too.
  return pivot > Math.max(0, element * size * Number.EPSILON) && pivot < Infinity;
}
