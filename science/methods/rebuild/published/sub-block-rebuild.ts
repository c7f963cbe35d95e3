import { setImmediate as macrotask } from 'node:timers/promises';
import { firstState } from '../guarded/guard.js';
import type { Granularity, KeepWeights, Metric } from '../method.js';
import { keep, tf } from '../../../engine/index.js';
import type { Tensor1D, Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { runSubBlock } from '../../../models/sub-block.js';
import type { SubBlock, Weights } from '../../../models/types.js';
import { PruningInputError } from '../../parts/errors.js';
import { importances, needsGradients } from './importance.js';
import { withMasked, withUpdates } from '../../parts/masked-weights.js';
import type { Masks, Updates } from '../../parts/masked-weights.js';
import { searchMasks } from './mask-search.js';
import { denseWithGradients, errorsOfSequences, meanSquare, ofAllTokens } from './output-gradients.js';
import type { DensePass } from './output-gradients.js';
import type { Pattern } from '../../parts/pattern.js';
import { changes, disposeMasks, finishedMasks, workingMasks } from '../../parts/working-masks.js';
import { rebuildBase } from './rebuild-base.js';
import { SquaredGradients } from './squared-gradients.js';

export interface RebuildSettings {
  granularity: Granularity;
  /** Share of the found swaps that are made, in (0, 1]. */
  ratio: number;
  metric: Metric;
  pattern: Pattern;
  /** Read where there are updates; `keep-dense` unless given. */
  weights?: KeepWeights;
}

export interface SubBlockRebuild {
  subBlock: SubBlock;
  /** The residual stream before the sub-block, in batches `[batch, time, hidden]`. Disposed batch by batch, and all at once where this fails. */
  hidden: readonly Tensor3D[];
  /** Every tensor of the layer, dense. */
  dense: Weights;
  /** Masks of at least the sub-block's linears. */
  masks: Masks;
  /** Values of the sub-block's linears at the start, where they are not the dense ones (SparseGPT); others are ignored. */
  updates?: Updates;
  settings: RebuildSettings;
  /** Told after every batch: 1 and 2 are the passes before and after the selection. */
  onProgress?: (progress: { pass: 1 | 2; batch: number; batches: number }) => void;
}

export interface SubBlockReport {
  /** Mean over sequences of the mean squared error of the sparse against the dense output, under the old mask. */
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
  /** Values of the sub-block's linears, as far as they are not the dense ones; absent if all are. */
  updates?: Map<string, Float32Array>;
  report: SubBlockReport;
}

/**
 * One sub-block of LLM-Barber (Su et al. 2024), in 4.33 units of `2 * weights * tokens`: sparse forward, dense forward,
 * gradients at the linears' outputs (a third: only the output linear is crossed), weight gradients, and the forward under
 * the new mask. A macrotask passes between batches, so that a cancellation is seen.
 *
 * @throws NonFiniteScoreError, PatternError, PruningInputError, and WeightError of models/
 */
export async function rebuildSubBlock(request: SubBlockRebuild): Promise<SubBlockResult> {
  const { subBlock, settings } = request;
  const linears = linearsOf(subBlock);
  if (settings.weights === 'refit') {
    throw new PruningInputError({ where: 'rebuild', what: '`weights: refit` with one published round', expected: 'a guarded rebuild, which judges a refit' });
  }
  const state: State = { gradients: new SquaredGradients(), denseOutputs: [], errorsBefore: [], errorsAfter: [], after: [] };
  let before: Masks | undefined;
  let after: Masks | undefined;
  try {
    const first = firstState(linears, request, workingMasks(linears, request.masks));
    before = first.masks;
    await firstPass({ ...request, updates: first.updates }, before, state);
    const updates = await rebuildBase(linears, { ...request, ...settings });
    after = await newMasks(request, before, updates, state.gradients);
    await secondPass(request, after, updates, state);
    const [errorBefore, errorAfter] = [await meanOf(state.errorsBefore), await meanOf(state.errorsAfter)];
    const report = { errorBefore, errorAfter, ...changes(before, after) };
    return { hidden: state.after, masks: finishedMasks(after), ...(updates && { updates }), report };
  } catch (fault) {
    state.gradients.dispose();
    tf.dispose([request.hidden, state.denseOutputs, state.errorsBefore, state.errorsAfter, state.after].flat());
    throw fault;
  } finally {
    disposeMasks(before);
    disposeMasks(after);
  }
}

/** Step 3: the masks after the swaps. Frees the gradients. */
async function newMasks({ subBlock, dense, settings }: SubBlockRebuild, masks: Masks, updates: Updates | undefined, gradients: SquaredGradients): Promise<Masks> {
  const linears = linearsOf(subBlock);
  const importance = await withUpdates(dense, updates ?? new Map(), (base) => Promise.resolve(importances(linears, base, gradients, settings.metric)));
  gradients.dispose();
  const search = await searchMasks({ linears, importance, masks, pattern: settings.pattern, granularity: settings.granularity, rule: 'published' });
  try {
    return search.at(settings.ratio);
  } finally {
    search.dispose();
  }
}

/** What the two passes leave, batch by batch. */
interface State {
  gradients: SquaredGradients;
  denseOutputs: Tensor3D[];
  /** Per sequence, `[batch]`. */
  errorsBefore: Tensor1D[];
  errorsAfter: Tensor1D[];
  after: Tensor3D[];
}

/** Steps 1 and 2: the errors under the old masks, the squared gradients, and the dense outputs for the second pass. */
async function firstPass({ subBlock, hidden, dense, updates, settings, onProgress }: SubBlockRebuild, masks: Masks, state: State): Promise<void> {
  await withMasked(dense, masks, async (sparse) => {
    for (const [index, h] of hidden.entries()) {
      tf.tidy(() => {
        const x = subBlock.enter(h, dense);
        const t = runSubBlock(subBlock, x, sparse);
        const pass = needsGradients(settings.metric) ? denseWithGradients(subBlock, x, t, dense) : denseOnly(subBlock, x, t, dense);
        for (const gradient of pass.gradients) state.gradients.add(gradient);
        state.denseOutputs.push(keep(pass.y));
        state.errorsBefore.push(keep(ofAllTokens(pass.errors, x.shape[1], h.shape[1])));
      });
      onProgress?.({ pass: 1, batch: index + 1, batches: hidden.length });
      await macrotask();
    }
  }, updates);
}

function denseOnly(subBlock: SubBlock, x: Tensor3D, t: Tensor3D, dense: Weights): DensePass {
  const y = runSubBlock(subBlock, x, dense);
  return { y, errors: meanSquare(y.sub<Tensor3D>(t)), gradients: [] };
}

/** Step 5: the residual stream after the sub-block under the new masks, and the errors. Disposes what it has read. */
async function secondPass(
  { subBlock, hidden, dense, onProgress }: SubBlockRebuild,
  masks: Masks,
  updates: Updates | undefined,
  state: State,
): Promise<void> {
  await withMasked(dense, masks, async (sparse) => {
    for (const [index, h] of hidden.entries()) {
      const target = state.denseOutputs[index];
      tf.tidy(() => {
        const y = runSubBlock(subBlock, subBlock.enter(h, dense), sparse);
        state.after.push(keep(subBlock.leave(h, y, dense)));
        state.errorsAfter.push(keep(errorsOfSequences(y.sub<Tensor3D>(target), h)));
      });
      tf.dispose([h, target]);
      onProgress?.({ pass: 2, batch: index + 1, batches: hidden.length });
      await macrotask();
    }
  }, updates);
}

/** Mean over all sequences of all batches; disposes its argument. */
async function meanOf(batches: readonly Tensor1D[]): Promise<number> {
  const all = tf.concat([...batches]);
  const values = Array.from(await all.data<'float32'>());
  tf.dispose([all, ...batches]);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
