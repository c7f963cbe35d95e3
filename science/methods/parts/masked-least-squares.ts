import { tf } from '../../engine/index.js';
import type { Tensor1D, Tensor2D } from '../../engine/index.js';
import { uploadMask } from './masked-weights.js';

/** The sums over tokens that a least-squares fit of one linear needs. */
export interface Moments {
  /** `sum x x^T`, `[in, in]` */
  products: Tensor2D;
  /** Its diagonal, `[in]`. */
  squares: Tensor1D;
}

export interface MaskedLeastSquares extends Moments {
  /** `sum y x^T`, `[out, in]`, where x is the input and y the wanted output. */
  targets: Tensor2D;
  /** Where the fit begins, and what damping pulls it to, `[out, in]`. Pruned weights are ignored. */
  start: Tensor2D;
  /** `[out, in]`, 1 = kept. */
  mask: Uint8Array;
  /** The pull of the weights to the start, as a share of the sum of squares of their input, >= 0. */
  damping: number;
  /** Weights that are fitted at once (rows are independent). Limits the memory to a few times this number in float32. */
  weightsAtOnce?: number;
}

/** After this many steps errors stop falling (tried up to 30 on the models of docs/quality.md). */
const iterations = 10;

/**
 * Returns the weights W on the mask that minimise `sum ||W x - y||^2 + damping * sum_j H_jj ||W_j - start_j||^2`, where H is `sum x x^T`.
 * It runs a fixed number of conjugate gradient steps for all rows side by side, preconditioned by the diagonal. (ALPS, Meng et al.
 * 2024, section 3.3, does the same after its own choice of mask.) An input that is always zero keeps its weights.
 *
 * @returns `[out, in]`; 0 or -0 where pruned
 */
export async function maskedLeastSquares({ products, squares, targets, start, mask, damping, weightsAtOnce = 2 ** 24 }: MaskedLeastSquares): Promise<Float32Array> {
  const [outputs, inputs] = targets.shape;
  const fitted = new Float32Array(outputs * inputs);
  const height = Math.max(1, Math.floor(weightsAtOnce / inputs));
  for (let row = 0; row < outputs; row += height) {
    const rows = Math.min(height, outputs - row);
    const slice = (whole: Tensor2D): Tensor2D => whole.slice([row, 0], [rows, inputs]);
    const chunk = tf.tidy(() => {
      const kept = uploadMask<Tensor2D>(mask.subarray(row * inputs, (row + rows) * inputs), [rows, inputs]);
      return fitKept({ products, squares, targets: slice(targets), start: slice(start), kept, damping });
    });
    fitted.set(await chunk.data<'float32'>(), row * inputs);
    chunk.dispose();
  }
  return fitted;
}

interface Kept extends Omit<MaskedLeastSquares, 'mask' | 'weightsAtOnce'> {
  /** float32 `[out, in]`, 1 = kept. */
  kept: Tensor2D;
}

/** The same with tensors, for all rows at once. Call it in a `tf.tidy`. */
export function fitKept({ products, squares, targets, start, kept, damping }: Kept): Tensor2D {
  const ridge = squares.mul<Tensor1D>(damping);
  const precondition = tf.divNoNan<Tensor1D>(tf.onesLike(squares), squares.add(ridge));
  const apply = (p: Tensor2D): Tensor2D => tf.matMul<Tensor2D>(p, products).add(p.mul(ridge)).mul<Tensor2D>(kept);
  const rowSums = (a: Tensor2D, b: Tensor2D): Tensor2D => a.mul(b).sum<Tensor2D>(1, true);

  let state = tf.tidy(() => {
    const w = start.mul<Tensor2D>(kept);
    const r = targets.add(start.mul(ridge)).mul(kept).sub<Tensor2D>(apply(w));
    const p = r.mul<Tensor2D>(precondition);
    return [w, r, p, rowSums(r, p)] as [Tensor2D, Tensor2D, Tensor2D, Tensor2D];
  });
  for (let step = 0; step < iterations; step++) {
    const before = state;
    state = tf.tidy(() => {
      const [w, r, p, rz] = before;
      const ap = apply(p);
      // For a row that is solved, the divisor is zero.
      const length = tf.divNoNan<Tensor2D>(rz, rowSums(p, ap));
      const residual = r.sub<Tensor2D>(ap.mul(length));
      const z = residual.mul<Tensor2D>(precondition);
      const next = rowSums(residual, z);
      return [w.add<Tensor2D>(p.mul(length)), residual, z.add<Tensor2D>(p.mul(tf.divNoNan(next, rz))), next];
    });
    tf.dispose(before);
  }
  return state[0];
}
