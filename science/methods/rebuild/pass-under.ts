import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../engine/index.js';
import type { Tensor1D, Tensor3D } from '../../engine/index.js';
import { runSubBlock } from '../../models/sub-block.js';
import type { SubBlock, Weights } from '../../models/types.js';
import { withMasked } from '../parts/masked-weights.js';
import { downloadErrors, errorsOfSequences, mean } from '../parts/sequence-errors.js';
import type { State } from '../parts/sub-block-state.js';

interface Pass {
  subBlock: SubBlock;
  /** Every tensor of the layer, dense. */
  dense: Weights;
  /** The residual stream before the sub-block, in batches `[batch, time, hidden]`. */
  hidden: readonly Tensor3D[];
  /** Returns the target of the output of a batch, `[batch, time, hidden]`. Called within `tf.tidy`. @param x the sub-block's input */
  target: (batch: number, x: Tensor3D) => Tensor3D;
  /** Called after every batch. */
  onBatch?: (batch: number) => void;
}

/** What comes out of a sub-block. */
export interface Passed {
  /** The residual stream after the sub-block, in the same batches. */
  hidden: Tensor3D[];
  /** Mean squared error of the output of each sequence against the target, and the mean of these. */
  errors: number[];
  error: number;
}

/** Runs a sub-block under masks. The residual stream is bit for bit that of any other forward of these batches. Disposes nothing. */
export async function passUnder({ subBlock, dense, hidden, target, onBatch }: Pass, { masks, updates }: State): Promise<Passed> {
  const after: Tensor3D[] = [];
  const errors: Tensor1D[] = [];
  try {
    await withMasked(dense, masks, async (sparse) => {
      for (const [index, h] of hidden.entries()) {
        tf.tidy(() => {
          const x = subBlock.enter(h, dense);
          const y = runSubBlock(subBlock, x, sparse);
          after.push(keep(subBlock.leave(h, y, dense)));
          errors.push(keep(errorsOfSequences(y.sub<Tensor3D>(target(index, x)), h)));
        });
        onBatch?.(index);
        await macrotask();
      }
    }, updates);
    const ofSequences = await downloadErrors(errors);
    return { hidden: after, errors: ofSequences, error: mean(ofSequences) };
  } catch (fault) {
    tf.dispose([...after, ...errors]);
    throw fault;
  }
}
