import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { PruningInputError } from '../errors.js';

/** Windows that lie in memory together: what a decoder layer reads, and what it is to give. Both `[batch, time, hidden]`. */
export interface WindowBatch {
  /** The residual stream before the layer, on the pruned path. */
  h: Tensor3D;
  /** The residual stream after it. */
  target: Tensor3D;
}

/** Consecutive windows of one batch. */
export interface WindowRange {
  batch: WindowBatch;
  /** The first one, and how many. */
  from: number;
  count: number;
}

/**
 * Parts the windows in their order: the last ones judge and teach nothing.
 *
 * @param heldOut how many judge; 0 where all windows teach, and judge
 * @returns `training`, each window by itself, and `judging`, as many windows together as their batches hold
 * @throws PruningInputError if no window is left to teach, or if a batch and its target have not one shape
 */
export function partWindows(batches: readonly WindowBatch[], heldOut: number): { training: WindowRange[]; judging: WindowRange[] } {
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
    const teaching = Math.min(size, Math.max(0, windows - heldOut - before));
    for (let from = 0; from < teaching; from++) training.push({ batch, from, count: 1 });
    const judges = heldOut === 0 ? { from: 0, count: size } : { from: teaching, count: size - teaching };
    if (judges.count > 0) judging.push({ batch, ...judges });
    before += size;
  }
  return { training, judging };
}

/** The windows of a range; new tensors, the caller's to dispose. */
export function windowsOf({ batch, from, count }: WindowRange): WindowBatch {
  const [, time, hidden] = batch.h.shape;
  const part = (x: Tensor3D): Tensor3D => tf.slice(x, [from, 0, 0], [count, time, hidden]);
  return { h: part(batch.h), target: part(batch.target) };
}
