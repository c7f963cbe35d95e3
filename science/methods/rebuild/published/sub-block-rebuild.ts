import { keep, tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { PruningInputError } from '../../parts/errors.js';
import type { Masks } from '../../parts/masked-weights.js';
import { firstState, type State } from '../../parts/sub-block-state.js';
import { changes, disposeMasks, finishedMasks, workingMasks } from '../../parts/working-masks.js';
import { passUnder, type Passed } from '../pass-under.js';
import type { SubBlockRebuild, SubBlockResult } from '../sub-block.js';
import { chooseSwaps } from './choose-swaps.js';
import { gatherSubBlock } from './gather-sub-block.js';
import type { SubBlockSums } from './sub-block-sums.js';

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
  const { hidden, onProgress } = request;
  const denseOutputs: Tensor3D[] = [];
  let gathered: SubBlockSums | undefined;
  let before: Masks | undefined;
  let after: Masks | undefined;
  try {
    const first = firstState(linearsOf(subBlock), request, workingMasks(linearsOf(subBlock), request.masks));
    before = first.masks;
    gathered = await gatherSubBlock({ ...request, masks: before, updates: first.updates, onDense: (y) => denseOutputs.push(keep(y)) });
    const { updates, ...chosen } = await chooseSwaps({ ...request, masks: before }, gathered);
    after = chosen.masks;
    const onBatch = (batch: number): void => onProgress?.({ pass: 2, batch: batch + 1, batches: hidden.length });
    const passed = await finalPass(request, { masks: after, ...(updates && { updates }) }, denseOutputs, onBatch);
    const report = { errorBefore: gathered.error, errorAfter: passed.error, ...changes(before, after) };
    return { hidden: passed.hidden, masks: finishedMasks(after), ...(updates && { updates }), report };
  } catch (fault) {
    gathered?.dispose();
    tf.dispose([...hidden, ...denseOutputs]);
    throw fault;
  } finally {
    disposeMasks(before);
    disposeMasks(after);
  }
}

/** Runs step 5: the forward under the new masks. Disposes the residual stream and the dense outputs batch by batch. */
export async function finalPass({ subBlock, dense, hidden }: Pick<SubBlockRebuild, 'subBlock' | 'dense' | 'hidden'>, state: State, denseOutputs: readonly Tensor3D[], afterBatch: (batch: number) => void = () => undefined): Promise<Passed> {
  const onBatch = (batch: number): void => {
    tf.dispose([hidden[batch], denseOutputs[batch]]);
    afterBatch(batch);
  };
  return passUnder({ subBlock, dense, hidden, target: (batch) => denseOutputs[batch], onBatch }, state);
}
