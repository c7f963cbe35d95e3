import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../engine/index.js';
import type { Tensor3D } from '../../engine/index.js';
import { linearsOf } from '../../models/linears.js';
import { runSubBlock } from '../../models/sub-block.js';
import { withMasked } from '../parts/masked-weights.js';
import { firstState } from './guarded/guard.js';
import { mean } from './guarded/calibration-folds.js';
import { errorsOfSequences } from './published/output-gradients.js';
import type { SubBlockRebuild, SubBlockResult } from './published/sub-block-rebuild.js';

/** Runs a sub-block without changing it. Returns the residual stream after it, and its error. Disposes `hidden`, even on failure. */
export async function runUnchanged({ subBlock, hidden, dense, masks, updates }: Omit<SubBlockRebuild, 'settings'>): Promise<SubBlockResult> {
  const state = firstState(linearsOf(subBlock), { masks, ...(updates && { updates }) });
  const after: Tensor3D[] = [];
  const errors: number[] = [];
  try {
    await withMasked(dense, state.masks, async (sparse) => {
      for (const h of hidden) {
        tf.tidy(() => {
          const x = subBlock.enter(h, dense);
          const t = runSubBlock(subBlock, x, sparse);
          errors.push(...errorsOfSequences(t.sub<Tensor3D>(runSubBlock(subBlock, x, dense)), h).dataSync<'float32'>());
          after.push(keep(subBlock.leave(h, t, dense)));
        });
        await macrotask();
      }
    }, state.updates);
  } catch (fault) {
    tf.dispose(after);
    throw fault;
  } finally {
    tf.dispose([...hidden]);
  }
  const error = mean(errors);
  return { hidden: after, masks: state.masks, ...(state.updates && { updates: new Map(state.updates) }), report: { errorBefore: error, errorAfter: error, grown: 0, pruned: 0 } };
}
