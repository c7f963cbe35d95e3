import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { runSubBlock } from '../../../models/sub-block.js';
import { mean } from './calibration-folds.js';
import type { CalibrationFolds } from './calibration-folds.js';
import { copyOf } from './guard.js';
import type { State } from './guard.js';
import { withMasked } from '../../parts/masked-weights.js';
import type { Masks } from '../../parts/masked-weights.js';
import { finishedMasks } from '../../parts/working-masks.js';
import { errorsOfSequences } from '../published/output-gradients.js';
import { isWorse } from './round-rules.js';
import type { SubBlockRebuild } from '../published/sub-block-rebuild.js';

/** Computes the residual stream after the sub-block, bit for bit that of any other forward of these batches, and the error over all windows. */
async function finalPass(
  { subBlock, dense, hidden, onProgress }: Passed,
  { masks, updates }: State,
  folds: CalibrationFolds,
): Promise<{ after: Tensor3D[]; error: number }> {
  const after: Tensor3D[] = [];
  const errors: number[] = [];
  try {
    await withMasked(dense, masks, async (sparse) => {
      for (const [index, h] of hidden.entries()) {
        tf.tidy(() => {
          const t = runSubBlock(subBlock, subBlock.enter(h, dense), sparse);
          after.push(keep(subBlock.leave(h, t, dense)));
          errors.push(...errorsOfSequences(t.sub<Tensor3D>(folds.denseOutput(index)), h).dataSync<'float32'>());
        });
        onProgress?.({ pass: 2, batch: index + 1, batches: hidden.length });
        await macrotask();
      }
    }, updates);
    return { after, error: mean(errors) };
  } catch (fault) {
    tf.dispose(after);
    throw fault;
  }
}

type Passed = Pick<SubBlockRebuild, 'subBlock' | 'dense' | 'hidden' | 'onProgress'>;

export interface Kept {
  /** The residual stream after the sub-block, in the same batches. */
  hidden: Tensor3D[];
  masks: Masks;
  updates?: Map<string, Float32Array>;
  /** Errors over all windows, of the first state and of the one that is kept. */
  errorBefore: number;
  errorAfter: number;
  /** Whether the new state raised the error, so that the first state is kept. */
  undone: boolean;
}

/** Makes the final decision: keeps the new state unless it raises the error over all windows. Disposes the inputs kept by the folds. */
export async function keepUnlessWorse(request: Passed, { first, state }: { first: State; state: State }, folds: CalibrationFolds): Promise<Kept> {
  folds.disposeInputs();
  const errorBefore = folds.firstError();
  let result = await finalPass(request, state, folds);
  const undone = isWorse(result.error, errorBefore);
  if (undone) {
    tf.dispose(result.after);
    result = await finalPass(request, first, folds);
  }
  const { masks, updates } = undone ? first : state;
  return { hidden: result.after, masks: finishedMasks(masks), ...(updates && { updates: copyOf(updates) }), errorBefore, errorAfter: result.error, undone };
}
