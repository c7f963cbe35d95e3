import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { runSubBlock } from '../../../models/sub-block.js';
import { mean } from './calibration-folds.js';
import type { CalibrationFolds } from './calibration-folds.js';
import type { State } from './guard.js';
import { withMasked } from '../../parts/masked-weights.js';
import { meanSquare } from '../published/output-gradients.js';
import type { SubBlockRebuild } from '../published/sub-block-rebuild.js';

/** The residual stream after the sub-block, with the bits of any other forward of these batches, and the error over all windows. */
export async function finalPass(
  { subBlock, dense, hidden, onProgress }: Pick<SubBlockRebuild, 'subBlock' | 'dense' | 'hidden' | 'onProgress'>,
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
          errors.push(...meanSquare(t.sub<Tensor3D>(folds.denseOutput(index))).dataSync<'float32'>());
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
