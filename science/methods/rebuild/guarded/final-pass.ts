import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import type { CalibrationFolds } from './calibration-folds.js';
import { copyOf } from '../../parts/sub-block-state.js';
import type { State } from '../../parts/sub-block-state.js';
import { passUnder, type Passed } from '../pass-under.js';
import type { Masks } from '../../parts/masked-weights.js';
import { finishedMasks } from '../../parts/working-masks.js';
import { isWorse } from './round-rules.js';
import type { SubBlockRebuild } from '../sub-block.js';

/** Runs a sub-block under masks. Targets are the dense outputs that the folds have kept. */
export async function finalPass({ subBlock, dense, hidden, onProgress }: Windows, state: State, folds: CalibrationFolds): Promise<Passed> {
  const onBatch = (index: number): void => onProgress?.({ pass: 2, batch: index + 1, batches: hidden.length });
  return passUnder({ subBlock, dense, hidden, target: (index) => folds.denseOutput(index), onBatch }, state);
}

type Windows = Pick<SubBlockRebuild, 'subBlock' | 'dense' | 'hidden' | 'onProgress'>;

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
export async function keepUnlessWorse(request: Windows, { first, state }: { first: State; state: State }, folds: CalibrationFolds): Promise<Kept> {
  folds.disposeInputs();
  const errorBefore = folds.firstError();
  let result = await finalPass(request, state, folds);
  const undone = isWorse(result.error, errorBefore);
  if (undone) {
    tf.dispose(result.hidden);
    result = await finalPass(request, first, folds);
  }
  const { masks, updates } = undone ? first : state;
  return { hidden: result.hidden, masks: finishedMasks(masks), ...(updates && { updates: copyOf(updates) }), errorBefore, errorAfter: result.error, undone };
}
