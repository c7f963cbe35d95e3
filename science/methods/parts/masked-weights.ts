import { tf } from '../../engine/index.js';
import type { Tensor } from '../../engine/index.js';
import type { Weights } from '../../models/types.js';
import { PruningInputError } from './errors.js';
import { MaskSet } from './mask-set.js';

/** Masks by linear: row-major `[out, in]`, one byte per weight, 1 = kept. A {@link MaskSet} may also hold other forms. */
export type Masks = ReadonlyMap<string, Uint8Array>;

/** Values of the linears whose weights differ from the dense ones: row-major `[out, in]`. Pruned weights may have any finite value. */
export type Updates = ReadonlyMap<string, Float32Array>;

/**
 * Runs `work` with the pruned weights set to zero. Weights are masked once for all batches, and disposed afterwards. Unchanged tensors
 * are passed on as the same objects, not copies.
 *
 * @param masks of some or all linears in `weights`; others are ignored
 * @param updates replace the weights of the same name, masked or not; others are ignored
 * @param lastUse frees each weight that is replaced, as soon as there is the new one
 */
export async function withMasked<T>(weights: Weights, masks: Masks, work: (masked: Weights) => Promise<T>, updates?: Updates, lastUse = false): Promise<T> {
  return withNew(weights, maskedWeights(weights, masks, updates, lastUse), work);
}

/** Runs `work` with updates in place of the weights of the same name, unmasked. */
export async function withUpdates<T>(weights: Weights, updates: Updates, work: (updated: Weights) => Promise<T>): Promise<T> {
  return withNew(weights, maskedWeights(weights, new Map(), updates), work);
}

/** Applies updates and sets pruned weights to zero. Weights with a mask or an update are new tensors, which the caller disposes. */
export function maskedWeights(weights: Weights, masks: Masks, updates: Updates = new Map(), lastUse = false): Weights {
  const result = new Map<string, Tensor>(weights);
  for (const [name, weight] of weights) {
    const update = updates.get(name);
    if (!masks.has(name) && update === undefined) continue;
    result.set(name, tf.tidy(() => {
      const mask = maskTensor(masks, name, weight.shape);
      const values = update === undefined ? weight : tf.tensor(update, weight.shape);
      return mask === undefined ? values : values.mul(mask);
    }));
    if (lastUse) weight.dispose();
  }
  return result;
}

/** Returns a mask as float32 of 0 and 1; undefined if there is no mask. */
function maskTensor(masks: Masks, name: string, shape: number[]): Tensor | undefined {
  const there = masks instanceof MaskSet ? masks.tensor(name) : undefined;
  if (there !== undefined) return there;
  const mask = masks.get(name);
  return mask && uploadMask(mask, shape);
}

/** Converts one byte per weight to float32 of 0 and 1 on the device. Only the bytes are uploaded. */
export function uploadMask<T extends Tensor>(mask: Uint8Array, shape: number[]): T {
  return tf.tidy(() => tf.tensor(mask, shape, 'bool').cast<T>('float32'));
}

async function withNew<T>(weights: Weights, used: Weights, work: (used: Weights) => Promise<T>): Promise<T> {
  try {
    return await work(used);
  } finally {
    for (const [name, tensor] of used) {
      if (tensor !== weights.get(name)) tensor.dispose();
    }
  }
}

/**
 * Returns the mask of a linear.
 *
 * @throws PruningInputError if it has no mask
 */
export function maskOf(masks: Masks, name: string): Uint8Array {
  const mask = masks.get(name);
  if (mask === undefined) {
    throw new PruningInputError({ where: name, what: 'this linear has no mask', expected: 'a mask for every linear of the sub-block' });
  }
  return mask;
}

/** Returns the masks of these linears. @throws PruningInputError if one is missing */
export function masksOf(linears: readonly { name: string }[], masks: Masks): Map<string, Uint8Array> {
  return new Map(linears.map(({ name }) => [name, maskOf(masks, name)]));
}
