import { concat, diagonal, diagonalOf, fill, flag, matMul, op, owning, slice } from './raw-ops.js';
import { isPivot } from './float64-pivot.js';

/** Matrices up to this size go to TensorFlow's Cholesky kernel. On a CPU, that kernel has one thread, while products use all. */
const whole = 256;

/**
 * Computes L^-1 `[n, n]` of `A = L L^T` in float64, recursively. With A, L and F = L^-1 in four blocks each,
 *
 *     L21 = A21 F11^T,    F22 = the same function of A22 - L21 L21^T,    F21 = -F22 L21 F11
 *
 * so that almost all work is matrix products.
 *
 * @param a `[n, n]`; only its lower triangle is read
 * @param elements diagonal elements of the original matrix, for these rows, `[n]`
 * @param size number of rows of the original matrix, for the bound on rounding errors
 * @returns undefined if A is not finite, or not positive definite beyond rounding
 */
export function inverseFactorOf(a: number, elements: Float64Array, size = elements.length): number | undefined {
  const n = elements.length;
  if (n <= whole) return inverseOfSmall(a, elements, size);
  const half = Math.ceil(n / 2 / whole) * whole;
  const rest = n - half;
  return owning((own) => {
    const f11 = inverseFactorOf(own(slice(a, [0, 0], [half, half])), elements.subarray(0, half), size);
    if (f11 === undefined) return undefined;
    own(f11);
    const l21 = own(matMul(own(slice(a, [half, 0], [rest, half])), f11, true));
    const left = own(op('Sub', [own(slice(a, [half, half], [rest, rest])), own(matMul(l21, l21, true))]));
    const f22 = inverseFactorOf(left, elements.subarray(half), size);
    if (f22 === undefined) return undefined;
    own(f22);
    const f21 = own(op('Neg', [own(matMul(f22, own(matMul(l21, f11))))]));
    const top = own(concat([f11, own(fill(0, [half, rest]))], 1));
    return concat([top, own(concat([f21, f22], 1))], 0);
  });
}

function inverseOfSmall(a: number, elements: Float64Array, size: number): number | undefined {
  return owning((own) => {
    const lower = choleskyOf(a);
    if (lower === undefined) return undefined;
    const pivots = diagonalOf(own(lower));
    if (!pivots.every((pivot, i) => isPivot(pivot ** 2, elements[i], size))) return undefined;
    return op('MatrixTriangularSolve', [lower, own(diagonal(new Float64Array(elements.length).fill(1)))], flag('lower', true), flag('adjoint', false));
  });
}

/** If A is not positive definite, the result is undefined or contains NaN, depending on the device. */
function choleskyOf(id: number): number | undefined {
  try {
    return op('Cholesky', [id]);
  } catch (error) {
    if (error instanceof Error && error.message.includes('Cholesky decomposition was not successful')) return undefined;
    throw error;
  }
}
