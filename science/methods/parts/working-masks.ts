/** The masks of a sub-block while a rebuild works on them: on the device if masks are selected there, otherwise one byte per weight. */
import { selectsOnDevice, tf, unpackBits } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import type { LinearSpec } from '../../models/types.js';
import { total } from './device-selection.js';
import { MaskSet } from './mask-set.js';
import { maskOf, masksOf, uploadMask } from './masked-weights.js';
import type { Masks } from './masked-weights.js';

/** Puts masks where the rebuild works on them. The caller disposes those on the device. @throws PruningInputError if a linear has no mask */
export function workingMasks(linears: readonly LinearSpec[], masks: Masks): Masks {
  if (!selectsOnDevice()) return masksOf(linears, masks);
  return MaskSet.ofTensors(new Map(linears.map(({ name, shape }) => {
    const bits = masks instanceof MaskSet ? masks.bits(name) : undefined;
    return [name, bits === undefined ? uploadMask<Tensor2D>(maskOf(masks, name), [...shape]) : unpackBits<Tensor2D>(bits, [...shape])];
  })));
}

/** Returns masks that outlive the rebuild: as bits if they come from the device, otherwise as copies. */
export function finishedMasks(masks: Masks): Masks {
  return masks instanceof MaskSet ? masks.downloaded() : new Map([...masks].map(([name, mask]) => [name, mask.slice()]));
}

/** Frees the device memory of masks. */
export function disposeMasks(masks: Masks | undefined): void {
  if (masks instanceof MaskSet) masks.dispose();
}

/** Returns all of `masks`, with those in `others` added or replaced. */
export function mergeMasks(masks: Masks, others: Masks): Masks {
  return masks instanceof MaskSet && others instanceof MaskSet ? masks.with(others) : new Map([...masks, ...others]);
}

/** Counts the weights that came back and those that were pruned from one mask to the other, in the linears of the first. */
export function changes(before: Masks, after: Masks): { grown: number; pruned: number } {
  let grown = 0;
  let pruned = 0;
  for (const name of before.keys()) {
    const [old, now] = [before, after].map((masks) => (masks instanceof MaskSet ? masks.tensor(name) : undefined));
    const linear = old === undefined || now === undefined ? changesOf(maskOf(before, name), maskOf(after, name)) : changesThere(old, now);
    grown += linear.grown;
    pruned += linear.pruned;
  }
  return { grown, pruned };
}

function changesOf(old: Uint8Array, now: Uint8Array): { grown: number; pruned: number } {
  let grown = 0;
  let pruned = 0;
  for (let i = 0; i < old.length; i++) {
    grown += now[i] & (1 - old[i]);
    pruned += old[i] & (1 - now[i]);
  }
  return { grown, pruned };
}

/** The same, counted on the device. */
function changesThere(old: Tensor2D, now: Tensor2D): { grown: number; pruned: number } {
  const count = (more: Tensor2D, less: Tensor2D): number =>
    tf.tidy(() => total([tf.reshape<Tensor2D['rankType']>(tf.greater(more, less), [1, more.size])], (flags) => flags).dataSync<'int32'>()[0]);
  return { grown: count(now, old), pruned: count(old, now) };
}
