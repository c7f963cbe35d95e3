import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { CalibrationFolds } from './calibration-folds.js';
import { keepUnlessWorse } from './final-pass.js';
import { checkGuard } from './check-guard.js';
import { firstState } from '../../parts/sub-block-state.js';
import type { State } from '../../parts/sub-block-state.js';
import type { GuardSettings } from './guard-defaults.js';
import { refitCost, tryRefit } from './guarded-refit.js';
import type { GuardRefit } from './guarded-refit.js';
import { runRounds } from './guarded-rounds.js';
import { foldCount, type GuardRound } from './round-rules.js';
import type { Masks } from '../../parts/masked-weights.js';
import { changes, disposeMasks, workingMasks } from '../../parts/working-masks.js';
import type { SubBlockRebuild, SubBlockReport } from '../sub-block.js';

export interface GuardedRebuild extends SubBlockRebuild {
  guard: GuardSettings;
  /** Rounds refitted values to what the checkpoint will hold. */
  round?: (linear: string, values: Float32Array) => Float32Array;
  /** Called after every round. */
  onRound?: (round: GuardRound) => void;
  /** Called after a refit. */
  onRefit?: (refit: GuardRefit) => void;
}

export interface GuardedResult {
  /** The residual stream after the sub-block with the new masks, in the same batches. */
  hidden: Tensor3D[];
  masks: Masks;
  /** Values of the sub-block's linears that differ from the dense ones. If the rebuild was undone, the values of the request. */
  updates?: Map<string, Float32Array>;
  report: SubBlockReport & {
    rounds: readonly GuardRound[];
    /** With `weights: refit`. */
    refit?: GuardRefit;
    /** Whether all of this together raised the error over all windows, so that the first masks were restored. */
    undone: boolean;
    /** The cost in forwards over all windows. */
    forwards: number;
  };
}

/**
 * Runs rounds of LLM-Barber on one sub-block as long as they help. A round takes squared gradients from one half of the windows,
 * tries a few ratios on a quarter of the windows, and keeps the best mask if it lowers the error there. The quarters rotate.
 * A single window is used for both. With `weights: refit`, the kept weights are then fitted, if that lowers the error of held-out
 * windows. Last, the errors over all windows are compared. If they rose, the first masks and weights are restored. Gradients are
 * taken at the sparse weights for unstructured masks and at the dense weights for N:M: each closed more of the perplexity gap there
 * (tools/bench/quality.ts).
 *
 * @throws NonFiniteScoreError, PatternError, PruningInputError, and WeightError of models/
 */
export async function guardedRebuild(request: GuardedRebuild): Promise<GuardedResult> {
  const { subBlock, dense, hidden, guard, onProgress } = request;
  let folds: CalibrationFolds | undefined;
  let first: State | undefined;
  let last: State | undefined;
  try {
    checkGuard(guard);
    first = firstState(linearsOf(subBlock), request, workingMasks(linearsOf(subBlock), request.masks));
    const onBatch = (batch: number): void => onProgress?.({ pass: 1, batch: batch + 1, batches: hidden.length });
    folds = await CalibrationFolds.open({ subBlock, dense, hidden, ...first, onBatch }, foldCount);
    const refits = request.settings.weights === 'refit';
    const reserved = refits ? refitCost(request, folds) : 0;
    const made = await runRounds(request, folds, first, reserved);
    last = made.state;
    const { rounds } = made;
    const { state, refit } = refits ? await tryRefit(request, folds, made.state) : { ...made, refit: undefined };
    if (refit !== undefined) request.onRefit?.(refit);
    const { hidden: after, masks, updates, ...kept } = await keepUnlessWorse(request, { first, state }, folds);
    tf.dispose([...hidden]);
    const forwards = made.forwards + reserved + Number(kept.undone);
    const report = { ...kept, ...(kept.undone ? { grown: 0, pruned: 0 } : changes(first.masks, state.masks)), rounds, ...(refit && { refit }), forwards };
    return { hidden: after, masks, ...(updates && { updates }), report };
  } catch (fault) {
    tf.dispose([...hidden]);
    throw fault;
  } finally {
    disposeMasks(first?.masks);
    disposeMasks(last?.masks);
    folds?.dispose();
  }
}
