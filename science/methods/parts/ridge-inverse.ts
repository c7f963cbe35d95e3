import { eye, tf, zeros64 } from '../../engine/index.js';
import type { Float64Matrix, Tensor2D } from '../../engine/index.js';
import { HessianError } from './hessian-factor.js';

/**
 * `(A + ridge I)^-1` `[n, n]` in float32: its factor in float64, and the last product in float32.
 *
 * @param matrix symmetric, positive semidefinite but for rounding that the ridge makes up for
 * @returns the caller's to dispose
 * @throws HessianError if there is none
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
 * The same for a larger ridge, from the inverse X for the smaller one: four products in the engine, in place of another
 * factorisation.
 *
 * With q = next / ridge - 1, the eigenvalues of `X (A + next I)` lie in [1, 1 + q], so `Y = 2 X / (2 + q)` is an inverse but for
 * a residual of norm `r = q / (2 + q)`: 0.13 for q = 0.3. A step of third order (`Y (I + R + R^2)`, whose R needs no product)
 * leaves r^3, a step of Newton's iteration (Schulz 1933) r^6, 5e-6. What error X had is squared by that step.
 *
 * @param inverse for `ridge`; disposed
 * @param next at most 1.5 times the ridge
 * @returns the caller's to dispose
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
