import { tf } from '../engine/index.js';
import type { Tensor } from '../engine/index.js';
import type { Weights } from '../models/types.js';

/** Masks by linear: row-major `[out, in]`, one byte a weight, 1 = kept. */
export type Masks = ReadonlyMap<string, Uint8Array>;

/**
 * Runs work with the pruned weights zero: masked once for all batches, and disposed after. Tensors without a mask are the
 * same objects, not copies.
 *
 * @param masks of some or all linears in `weights`; others are ignored
 */
export async function withMasked<T>(weights: Weights, masks: Masks, work: (masked: Weights) => Promise<T>): Promise<T> {
  const masked = maskedWeights(weights, masks);
  try {
    return await work(masked);
  } finally {
    for (const [name, tensor] of masked) {
      if (tensor !== weights.get(name)) tensor.dispose();
    }
  }
}

/** The weights with pruned ones zero; what has a mask is a new tensor, the caller's to dispose. */
export function maskedWeights(weights: Weights, masks: Masks): Weights {
  const result = new Map<string, Tensor>(weights);
  for (const [name, weight] of weights) {
    const mask = masks.get(name);
    if (mask === undefined) continue;
    result.set(name, tf.tidy(() => weight.mul(tf.tensor(mask, weight.shape, 'bool').cast('float32'))));
  }
  return result;
}
