import { setImmediate as macrotask } from 'node:timers/promises';
import { firstState } from '../guarded/guard.js';
import type { Granularity, KeepWeights, Metric } from '../method.js';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor1D, Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { runSubBlock } from '../../../models/sub-block.js';
import type { SubBlock, Weights } from '../../../models/types.js';
import { PruningInputError } from '../../parts/errors.js';
import { withMasked } from '../../parts/masked-weights.js';
import type { Masks, Updates } from '../../parts/masked-weights.js';
import { errorsOfSequences } from './output-gradients.js';
import type { Pattern } from '../../parts/pattern.js';
import { changes, disposeMasks, finishedMasks, workingMasks } from '../../parts/working-masks.js';
import { chooseSwaps } from './choose-swaps.js';
import { gatherSubBlock } from './gather-sub-block.js';
import { meanError, sumOfErrors, type SubBlockSums } from './sub-block-sums.js';

export interface RebuildSettings {
  granularity: Granularity;
  /** Share of the found swaps that are made, in (0, 1]. */
  ratio: number;
  metric: Metric;
  pattern: Pattern;
  /** Used only if there are updates. Default: `keep-dense`. */
  weights?: KeepWeights;
}

export interface SubBlockRebuild {
  subBlock: SubBlock;
  /** The residual stream before the sub-block, in batches `[batch, time, hidden]`. Disposed batch by batch, or all at once on failure. */
  hidden: readonly Tensor3D[];
  /** Every tensor of the layer, dense. */
  dense: Weights;
  /** Masks of at least the sub-block's linears. */
  masks: Masks;
  /** Initial values of the sub-block's linears that differ from the dense ones (SparseGPT). Those of other linears are ignored. */
  updates?: Updates;
  settings: RebuildSettings;
  /** Called after every batch. Passes 1 and 2 are before and after the selection. */
  onProgress?: (progress: { pass: 1 | 2; batch: number; batches: number }) => void;
}

export interface SubBlockReport {
  /** Mean over sequences of the mean squared error of the sparse output against the dense one, under the old mask. */
  errorBefore: number;
  /** The same under the new mask. */
  errorAfter: number;
  grown: number;
  pruned: number;
}

export interface SubBlockResult {
  /** The residual stream after the sub-block under the new mask, in the same batches. */
  hidden: Tensor3D[];
  /** New masks of the sub-block's linears. */
  masks: Masks;
  /** Values of the sub-block's linears that differ from the dense ones; absent if none do. */
  updates?: Map<string, Float32Array>;
  report: SubBlockReport;
}

/**
 * Rebuilds one sub-block with LLM-Barber (Su et al. 2024). The cost is 4.33 units of `2 * weights * tokens`: sparse forward, dense
 * forward, gradients at the linears' outputs (a third of a unit: only the output linear is crossed), weight gradients, and the
 * forward under the new mask. A macrotask runs between batches, so that a cancellation is noticed.
 *
 * @throws NonFiniteScoreError, PatternError, PruningInputError, and WeightError of models/
 */
export async function rebuildSubBlock(request: SubBlockRebuild): Promise<SubBlockResult> {
  const { subBlock } = request;
  if (request.settings.weights === 'refit') {
    throw new PruningInputError({ where: 'rebuild', what: '`weights: refit` with one published round', expected: 'a guarded rebuild, which judges a refit' });
  }
  const state: State = { denseOutputs: [], errors: [], after: [] };
  let gathered: SubBlockSums | undefined;
  let before: Masks | undefined;
  let after: Masks | undefined;
  try {
    const first = firstState(linearsOf(subBlock), request, workingMasks(linearsOf(subBlock), request.masks));
    before = first.masks;
    gathered = await gatherSubBlock({ ...request, masks: before, updates: first.updates, onDense: (y) => state.denseOutputs.push(keep(y)) });
    const chosen = await chooseSwaps({ ...request, masks: before }, gathered);
    after = chosen.masks;
    await secondPass(request, after, chosen.updates, state);
    const report = { errorBefore: gathered.error, errorAfter: meanError(await sumOfErrors(state.errors)), ...changes(before, after) };
    return { hidden: state.after, masks: finishedMasks(after), ...(chosen.updates && { updates: chosen.updates }), report };
  } catch (fault) {
    gathered?.dispose();
    tf.dispose([request.hidden, state.denseOutputs, state.errors, state.after].flat());
    throw fault;
  } finally {
    disposeMasks(before);
    disposeMasks(after);
  }
}

/** The results of the two passes, batch by batch. */
interface State {
  denseOutputs: Tensor3D[];
  /** Errors per sequence under the new masks, `[batch]`. */
  errors: Tensor1D[];
  after: Tensor3D[];
}

/** Runs step 5: computes the residual stream after the sub-block under the new masks, and the errors. Disposes its inputs. */
async function secondPass({ subBlock, hidden, dense, onProgress }: SubBlockRebuild, masks: Masks, updates: Updates | undefined, state: State): Promise<void> {
  await withMasked(dense, masks, async (sparse) => {
    for (const [index, h] of hidden.entries()) {
      const target = state.denseOutputs[index];
      tf.tidy(() => {
        const y = runSubBlock(subBlock, subBlock.enter(h, dense), sparse);
        state.after.push(keep(subBlock.leave(h, y, dense)));
        state.errors.push(keep(errorsOfSequences(y.sub<Tensor3D>(target), h)));
      });
      tf.dispose([h, target]);
      onProgress?.({ pass: 2, batch: index + 1, batches: hidden.length });
      await macrotask();
    }
  }, updates);
}
