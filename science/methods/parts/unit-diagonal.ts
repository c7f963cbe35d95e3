import { eye, tf } from '../../engine/index.js';
import type { Tensor1D, Tensor2D } from '../../engine/index.js';
import type { MaskedLeastSquares } from './masked-least-squares.js';

/** A least-squares problem of one linear, with its inputs scaled to equal size: `v_j = w_j s_j`, `A_ij = H_ij / (s_i s_j)`. */
export interface UnitDiagonal {
  /** Damped, `[in, in]`, with ones on the diagonal. */
  products: Tensor2D;
  /** The unpruned minimum times {@link products}, `[out, in]`. */
  targets: Tensor2D;
  /** `[out, in]`; 0 for inputs that are always zero. */
  start: Tensor2D;
  /** s `[in]`, > 0. A weight is v / s. */
  scale: Float32Array;
  /** Number of inputs that are always zero. */
  dead: number;
}

/**
 * Scales the inputs of a linear so that the damped `sum x x^T` has a unit diagonal, as ALPS does (Meng et al. 2024, section 3.3). The
 * damping pulls the weights to the start: the problem is `sum ||W x - y||^2 + damping m ||W - start||^2`, where m is the mean square
 * of the inputs that are not always zero. Inputs that are always zero get scale 1, no products with others, and zeros as targets.
 *
 * @returns new tensors, which the caller disposes
 */
export async function unitDiagonal({ products, squares, targets, start, damping }: Omit<MaskedLeastSquares, 'mask' | 'weightsAtOnce'>): Promise<UnitDiagonal> {
  const sums = await squares.data<'float32'>();
  const inputs = sums.length;
  const dead = sums.reduce((count, value) => count + Number(value === 0), 0);
  const ridge = dead === inputs ? 0 : (damping * sums.reduce((total, value) => total + value, 0)) / (inputs - dead);
  const scale = Float32Array.from(sums, (value) => (value === 0 ? 1 : Math.sqrt(value + ridge)));
  return tf.tidy(() => {
    const alive = squares.notEqual(0).cast<Tensor1D>('float32');
    const inverse = tf.tensor1d(Float32Array.from(scale, (value) => 1 / value)).mul<Tensor1D>(alive);
    const diagonal = eye(inputs);
    const scaled = products.mul(inverse).mul<Tensor2D>(inverse.reshape([inputs, 1]));
    return {
      products: scaled.mul(tf.sub(1, diagonal)).add<Tensor2D>(diagonal),
      targets: targets.add(start.mul(ridge)).mul<Tensor2D>(inverse),
      start: start.mul(scale).mul<Tensor2D>(alive),
      scale,
      dead,
    };
  });
}
