import { eye, tf, zeros64 } from '../../engine/index.js';
import type { Float64Matrix, Tensor2D } from '../../engine/index.js';
import { HessianError } from './hessian-factor.js';

/**
 * Computes `(A + ridge I)^-1` `[n, n]` in float32. Its factor is computed in float64, the last product in float32.
 *
 * @param matrix symmetric, positive semidefinite except for rounding errors that the ridge outweighs
 * @returns the inverse, which the caller disposes
 * @throws HessianError if there is no inverse
 */
export async function ridgeInverse(matrix: Tensor2D, ridge: number, name: string): Promise<Tensor2D> {
  const factor = await factorOf(matrix, ridge);
  if (factor === undefined) {
    throw new HessianError({
      where: `inputs of ${name}`,
      what: 'their moments are not finite, or not positive semidefinite',
      expected: 'a sum of x x^T',
      remedy: 'Check the checkpoint for NaN or overflowing weights.',
    });
  }
  try {
    return tf.tidy(() => {
      const lower = factor.toFloat32();
      return tf.matMul<Tensor2D>(lower, lower, true, false);
    });
  } finally {
    factor.dispose();
  }
}

async function factorOf(matrix: Tensor2D, ridge: number): Promise<Float64Matrix | undefined> {
  const exact = zeros64(...matrix.shape);
  try {
    exact.add(matrix);
    const diagonal = (await exact.diagonal()).map((value) => value + ridge);
    return await exact.inverseFactor({ diagonal, triangle: 'lower' });
  } finally {
    exact.dispose();
  }
}

/**
 * Computes the same for a larger ridge from the inverse X for the smaller one. This takes four products in the engine instead of
 * another factorisation.
 *
 * With q = next / ridge - 1, the eigenvalues of `X (A + next I)` are in [1, 1 + q]. So `Y = 2 X / (2 + q)` is an inverse up to a
 * residual R of norm `r = q / (2 + q)`: 0.13 for q = 0.3. A step of third order, `Y (I + R + R^2)`, for which R needs no product,
 * leaves r^3. A step of Newton's iteration (Schulz 1933) then leaves r^6: 5e-6. That step also squares the error that X had.
 *
 * @param inverse for `ridge`; disposed
 * @param next at most 1.5 times the ridge
 * @returns the inverse for `next`, which the caller disposes
 */
export function raiseRidge(matrix: Tensor2D, inverse: Tensor2D, ridge: number, next: number): Tensor2D {
  const shrink = 2 / (1 + next / ridge);
  const identity = (): Tensor2D => eye(matrix.shape[0]);
  const cubic = tf.tidy(() => {
    const y = inverse.mul<Tensor2D>(shrink);
    const residual = identity().mul(1 - shrink).sub<Tensor2D>(y.mul(next - ridge));
    const first = tf.matMul<Tensor2D>(y, residual);
    return y.add(first).add<Tensor2D>(tf.matMul<Tensor2D>(first, residual));
  });
  inverse.dispose();
  const raised = tf.tidy(() => {
    const residual = identity().sub(tf.matMul<Tensor2D>(matrix, cubic)).sub<Tensor2D>(cubic.mul(next));
    return cubic.add<Tensor2D>(tf.matMul<Tensor2D>(cubic, residual));
  });
  cubic.dispose();
  return raised;
}
