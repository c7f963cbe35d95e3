import { setImmediate as macrotask } from 'node:timers/promises';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { runSubBlock } from '../../../models/sub-block.js';
import type { LinearSpec } from '../../../models/types.js';
import { CalibrationFolds, mean } from './calibration-folds.js';
import { changes, checkGuard } from './guard.js';
import type { GuardSettings } from './guard-defaults.js';
import type { State } from './guard.js';
import { refitCost, tryRefit } from './guarded-refit.js';
import type { GuardRefit } from './guarded-refit.js';
import { foldCount, runRounds } from './guarded-rounds.js';
import type { GuardRound } from './guarded-rounds.js';
import { maskOf, withMasked } from '../../parts/masked-weights.js';
import type { Updates } from '../../parts/masked-weights.js';
import { meanSquare } from '../published/output-gradients.js';
import type { SubBlockRebuild, SubBlockReport } from '../published/sub-block-rebuild.js';

export interface GuardedRebuild extends SubBlockRebuild {
  guard: GuardSettings;
  /** Rounds refitted values to what the checkpoint will hold. */
  round?: (linear: string, values: Float32Array) => Float32Array;
  /** Told after every round. */
  onRound?: (round: GuardRound) => void;
  /** Told after a refit. */
  onRefit?: (refit: GuardRefit) => void;
}

export interface GuardedResult {
  /** The residual stream after the sub-block under the new mask, in the same batches. */
  hidden: Tensor3D[];
  masks: Map<string, Uint8Array>;
  /** Values of the sub-block's linears, as far as they are not the dense ones; where nothing stands, the request's own. */
  updates?: Map<string, Float32Array>;
  report: SubBlockReport & {
    rounds: GuardRound[];
    /** With `weights: refit`. */
    refit?: GuardRefit;
    /** Whether all of that together raised the error of all windows, so that the first masks were put back. */
    undone: boolean;
    /** What was spent, in forwards over all windows. */
    forwards: number;
  };
}

/**
 * Rounds of LLM-Barber on one sub-block, as long as they help. A round takes squared gradients from one half of the windows,
 * tries a few ratios on a quarter of the others and keeps the best mask if it lowers the error there; quarters go round.
 * With one window only, it both teaches and judges. With `weights: refit` the weights that are kept in the end are fitted anew, if
 * that lowers the error of held-out windows. Last, the errors over all windows are compared, and masks and weights that raised
 * them are put back as they were. Gradients are taken at the sparse weights for unstructured masks and at the dense
 * ones for N:M, whatever closed more of the perplexity gap (tools/bench/quality.ts).
 *
 * @throws NonFiniteScoreError, PatternError, PruningInputError, and WeightError of models/
 */
export async function guardedRebuild(request: GuardedRebuild): Promise<GuardedResult> {
  const { subBlock, dense, hidden, guard, onProgress } = request;
  let folds: CalibrationFolds | undefined;
  try {
    checkGuard(guard);
    const linears = linearsOf(subBlock);
    const first: State = { masks: new Map(linears.map(({ name }) => [name, maskOf(request.masks, name)])), ...ownUpdates(linears, request.updates) };
    const onBatch = (batch: number): void => onProgress?.({ pass: 1, batch: batch + 1, batches: hidden.length });
    folds = await CalibrationFolds.open({ subBlock, dense, hidden, ...first, onBatch }, foldCount);
    const refits = request.settings.weights === 'refit';
    const reserved = refits ? refitCost(request, folds) : 0;
    const made = await runRounds(request, folds, first, reserved);
    const { rounds } = made;
    const { state, refit } = refits ? await tryRefit(request, folds, made.state) : { ...made, refit: undefined };
    if (refit !== undefined) request.onRefit?.(refit);
    folds.disposeInputs();

    const errorBefore = folds.firstError();
    let result = await finalPass(request, state, folds);
    const undone = !(result.error <= errorBefore);
    if (undone) {
      tf.dispose(result.after);
      result = await finalPass(request, first, folds);
    }
    tf.dispose([...hidden]);
    const { masks, updates } = undone ? first : state;
    const report = { errorBefore, errorAfter: result.error, ...changes(first.masks, masks), rounds, ...(refit && { refit }), undone, forwards: made.forwards + reserved + Number(undone) };
    return { hidden: result.after, masks: copyOf(masks), ...(updates && { updates: copyOf(updates) }), report };
  } catch (fault) {
    tf.dispose([...hidden]);
    throw fault;
  } finally {
    folds?.dispose();
  }
}

function ownUpdates(linears: readonly LinearSpec[], updates: Updates = new Map()): { updates?: Updates } {
  const own = linears.flatMap(({ name }): [string, Float32Array][] => {
    const values = updates.get(name);
    return values === undefined ? [] : [[name, values]];
  });
  return own.length === 0 ? {} : { updates: new Map(own) };
}

/** The residual stream after the sub-block, with the bits of any other forward of these batches, and the error over all windows. */
async function finalPass(
  { subBlock, dense, hidden, onProgress }: GuardedRebuild,
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

function copyOf<T extends Uint8Array | Float32Array>(arrays: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...arrays].map(([name, array]) => [name, array.slice() as T]));
}
