/** The masks of a sub-block while a rebuild works on them: on the device if masks are selected there, otherwise one byte per weight. */
import { countTrue, selectsOnDevice, tf, unpackBits } from '../../engine/index.js';
import type { Tensor2D } from '../../engine/index.js';
import type { LinearSpec } from '../../models/types.js';
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

export interface Changes {
  /** Weights that came back. */
  grown: number;
  pruned: number;
}

/** Counts the weights that came back and those that were pruned from one mask to the other, in the linears of the first. */
export function changes(before: Masks, after: Masks): Changes {
  const there = before instanceof MaskSet && after instanceof MaskSet ? changesThere(before, after) : undefined;
  return there ?? changesHere(before, after);
}

function changesHere(before: Masks, after: Masks): Changes {
  let grown = 0;
  let pruned = 0;
  for (const name of before.keys()) {
    const [old, now] = [maskOf(before, name), maskOf(after, name)];
    for (let i = 0; i < old.length; i++) {
      grown += now[i] & (1 - old[i]);
      pruned += old[i] & (1 - now[i]);
    }
  }
  return { grown, pruned };
}

/** The same, counted on the device with a single download; undefined if a mask is not there. */
function changesThere(before: MaskSet, after: MaskSet): Changes | undefined {
  const pairs = [...before.keys()].map((name) => [before.tensor(name), after.tensor(name)]);
  if (!pairs.flat().every((tensor) => tensor !== undefined)) return undefined;
  const [grown, pruned] = tf.tidy(() => {
    const count = (more: number, less: number): Tensor2D => (pairs as Tensor2D[][])
      .map((pair) => tf.tidy(() => countTrue(tf.reshape(tf.greater(pair[more], pair[less]), [1, -1]))))
      .reduce((sum, linear) => tf.add<Tensor2D>(sum, linear));
    return tf.concat([count(1, 0), count(0, 1)], 1).dataSync<'int32'>();
  });
  return { grown, pruned };
}
