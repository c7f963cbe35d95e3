import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { withUpdates } from '../../parts/masked-weights.js';
import type { Masks } from '../../parts/masked-weights.js';
import { changes } from '../../parts/working-masks.js';
import { CalibrationFolds } from '../guarded/calibration-folds.js';
import { keepUnlessWorse } from '../guarded/final-pass.js';
import { firstState } from '../../parts/sub-block-state.js';
import type { State } from '../../parts/sub-block-state.js';
import { rebuildBase } from '../rebuild-base.js';
import type { SubBlockRebuild, SubBlockReport } from '../sub-block.js';
import { swapLinears } from './swap-linears.js';

export interface SwapRebuild extends SubBlockRebuild {
  /** Maximum number of searches for candidates per row. */
  swapRounds: number;
  /** The number of kept and of pruned weights of a row that are tried against each other. */
  candidates: number;
  /** Rounds fitted values to what the checkpoint will hold. */
  round?: (linear: string, values: Float32Array) => Float32Array;
  /** Called after every linear. */
  onLinear?: (name: string, swaps: number) => void;
}

export interface SwapRebuildResult {
  /** The residual stream after the sub-block with the new masks, in the same batches. */
  hidden: Tensor3D[];
  masks: Masks;
  /** Values of the sub-block's linears that differ from the dense ones. If the rebuild was undone, the values of the request. */
  updates?: Map<string, Float32Array>;
  /** `undone`: whether the rebuild raised the error over all windows, so that the first masks were restored. */
  report: SubBlockReport & { undone: boolean };
}

/**
 * Makes exact swaps in all linears of one sub-block, and with `weights: refit` fits the kept weights. If that raises the error of the
 * sub-block's output over all windows, the first masks and weights are restored.
 *
 * @throws NonFiniteScoreError, PatternError, PruningInputError, and WeightError of models/
 */
export async function swapRebuild(request: SwapRebuild): Promise<SwapRebuildResult> {
  const { subBlock, dense, hidden, onProgress } = request;
  let folds: CalibrationFolds | undefined;
  try {
    const first = firstState(linearsOf(subBlock), request);
    const onBatch = (batch: number): void => onProgress?.({ pass: 1, batch: batch + 1, batches: hidden.length });
    folds = await CalibrationFolds.open({ subBlock, dense, hidden, ...first, onBatch }, 1);
    const state = await swapped(request, folds, first);
    const { hidden: after, masks, updates, ...kept } = await keepUnlessWorse(request, { first, state }, folds);
    tf.dispose([...hidden]);
    return { hidden: after, masks, ...(updates && { updates }), report: { ...kept, ...changes(first.masks, masks) } };
  } catch (fault) {
    tf.dispose([...hidden]);
    throw fault;
  } finally {
    folds?.dispose();
  }
}

async function swapped(request: SwapRebuild, folds: CalibrationFolds, { masks, updates }: State): Promise<State> {
  const { subBlock, dense, settings, swapRounds: rounds, candidates, round = (_, values) => values, onLinear } = request;
  const base = await rebuildBase(linearsOf(subBlock), { dense, masks, updates, weights: settings.weights });
  return withUpdates(dense, base ?? new Map(), async (weights) => {
    const made = await swapLinears({
      subBlock, dense, masks, base: weights, pattern: settings.pattern, rounds, candidates, round, ...(onLinear && { onLinear }),
      each: (visit) => folds.each([0], visit),
      tokens: folds.tokens([0]),
      refit: settings.weights === 'refit',
    });
    const values = made.fitted ?? base;
    return { masks: made.masks, ...(values && { updates: values }) };
  });
}
