import { tf } from '../engine/index.js';
import type { Tensor } from '../engine/index.js';
import type { Weights } from '../models/types.js';

/** Masks by linear: row-major `[out, in]`, one byte a weight, 1 = kept. */
export type Masks = ReadonlyMap<string, Uint8Array>;

/**
 * The weights with pruned ones zero, computed once for all batches that need them. Tensors without a mask are the same
 * objects, not copies; give the result to {@link disposeMasked} when done.
 *
 * @param masks of some or all linears in `weights`; others are ignored
 */
export function maskedWeights(weights: Weights, masks: Masks): Weights {
  const result = new Map<string, Tensor>(weights);
  for (const [name, weight] of weights) {
    const mask = masks.get(name);
    if (mask === undefined) continue;
    result.set(name, tf.tidy(() => weight.mul(tf.tensor(mask, weight.shape, 'bool').cast('float32'))));
  }
  return result;
}

/** Disposes what {@link maskedWeights} made; the dense weights stay. */
export function disposeMasked(masked: Weights, weights: Weights): void {
  for (const [name, tensor] of masked) {
    if (tensor !== weights.get(name)) tensor.dispose();
  }
}
