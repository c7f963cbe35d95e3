/**
 * Whether a Cholesky pivot is more than what rounding leaves of zero.
 * @param element of the diagonal that the pivot was made from
 * @param size rows of the matrix
 */
export function isPivot(pivot: number, element: number, size: number): boolean {
  // Written so that NaN fails too.
  return pivot > Math.max(0, element * size * Number.EPSILON) && pivot < Infinity;
}
