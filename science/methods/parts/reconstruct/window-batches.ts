import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { PruningInputError } from '../errors.js';

/** A batch of windows: the input of a decoder layer, and its target. Both `[batch, time, hidden]`. */
export interface WindowBatch {
  /** The residual stream before the layer, on the pruned path. */
  h: Tensor3D;
  /** The wanted residual stream after the layer. */
  target: Tensor3D;
}

/** Consecutive windows of one batch. */
export interface WindowRange {
  batch: WindowBatch;
  /** The index of the first window, and the number of windows. */
  from: number;
  count: number;
}

/**
 * Splits the windows, in order, into those that train and the last ones, which only judge.
 *
 * @param heldOut how many windows judge; with 0 all windows train and judge
 * @returns `training`, with single windows, and `judging`, with all judging windows of a batch together
 * @throws PruningInputError if no window is left to train, or if a batch and its target differ in shape
 */
export function splitWindows(batches: readonly WindowBatch[], heldOut: number): { training: WindowRange[]; judging: WindowRange[] } {
  for (const { h, target } of batches) {
    if (h.shape.join() !== target.shape.join()) {
      throw new PruningInputError({ where: 'reconstruction', what: `a target of shape [${target.shape.join(', ')}]`, expected: `that of its input, [${h.shape.join(', ')}]` });
    }
  }
  const windows = batches.reduce((sum, { h }) => sum + h.shape[0], 0);
  if (!Number.isInteger(heldOut) || heldOut < 0 || heldOut >= windows) {
    throw new PruningInputError({ where: 'reconstruction', what: `${heldOut} of ${windows} windows held out`, expected: 'none or more, and at least one left' });
  }
  const training: WindowRange[] = [];
  const judging: WindowRange[] = [];
  let before = 0;
  for (const batch of batches) {
    const size = batch.h.shape[0];
    const trainingCount = Math.min(size, Math.max(0, windows - heldOut - before));
    for (let from = 0; from < trainingCount; from++) training.push({ batch, from, count: 1 });
    const heldOutRange = heldOut === 0 ? { from: 0, count: size } : { from: trainingCount, count: size - trainingCount };
    if (heldOutRange.count > 0) judging.push({ batch, ...heldOutRange });
    before += size;
  }
  return { training, judging };
}

/** Returns the windows of a range as new tensors, which the caller disposes. */
export function windowsOf({ batch, from, count }: WindowRange): WindowBatch {
  const [, time, hidden] = batch.h.shape;
  const part = (x: Tensor3D): Tensor3D => tf.slice(x, [from, 0, 0], [count, time, hidden]);
  return { h: part(batch.h), target: part(batch.target) };
}
