import { tf } from '../engine/index.js';
import type { Tensor1D, Tensor3D, Tensor4D } from '../engine/index.js';

/**
 * Root-mean-square norm `x / sqrt(mean(x^2) + epsilon) * weight` (Zhang and Sennrich 2019), over the last axis.
 *
 * @param x `[batch, time, width]`, or `[batch, time, heads, width]` to norm each head by itself
 * @param weight `[width]`
 */
export function rmsNorm<T extends Tensor3D | Tensor4D>(x: T, weight: Tensor1D, epsilon: number): T {
  return tf.tidy(() => x.mul(x.square().mean(-1, true).add(epsilon).rsqrt()).mul<T>(weight));
}

/** The factor and the summand of a layer norm, each `[hidden]`. */
export interface Affine {
  weight: Tensor1D;
  bias: Tensor1D;
}

/**
 * Layer norm `(x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias` (Ba et al. 2016), over the last axis.
 *
 * @param x `[batch, time, hidden]`
 * @param affine absent for the plain norm.
 */
export function layerNorm(x: Tensor3D, epsilon: number, affine?: Affine): Tensor3D {
  return tf.tidy(() => {
    const centred = x.sub<Tensor3D>(x.mean(-1, true));
    const normed = centred.mul<Tensor3D>(centred.square().mean(-1, true).add(epsilon).rsqrt());
    return affine === undefined ? normed : normed.mul(affine.weight).add(affine.bias);
  });
}
