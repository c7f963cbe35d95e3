import { tf } from '../engine/index.js';
import type { Tensor1D, Tensor3D } from '../engine/index.js';

/**
 * Root-mean-square norm `x / sqrt(mean(x^2) + epsilon) * weight` (Zhang and Sennrich 2019), over the last axis.
 *
 * @param x `[batch, time, hidden]`
 * @param weight `[hidden]`
 */
export function rmsNorm(x: Tensor3D, weight: Tensor1D, epsilon: number): Tensor3D {
  return tf.tidy(() => x.mul(x.square().mean(-1, true).add(epsilon).rsqrt()).mul(weight));
}
