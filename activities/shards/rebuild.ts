import { ArtifactLostError, ArtifactStore, type Json } from '../../files/artifacts/index.js';
import { tf } from '../../science/engine/index.js';
import type { SubBlock } from '../../science/models/index.js';
import { mergeMasks, parsePattern, replacedUpdates, type ChosenPart, type StepState } from '../../science/methods/index.js';
import { dropOlder } from '../drop-older.js';
import { NonFiniteValueError } from '../errors.js';
import { isLast } from '../hidden-paths.js';
import { readPrunedLayer, writePrunedLayer } from '../layer-files.js';
import { checkErrors, checkMasks } from '../rebuild.js';
import type { RebuildEntry } from '../result.js';
import { checkFinite } from '../tensor-batches.js';
import type { ArtifactKey, RebuildResult } from '../types.js';
import type { Workbench } from '../workbench.js';
import { findOrGather } from './gather.js';
import { finishBlock, openSteps, partsOf, windowsBefore } from './open-step.js';
import { currentMasks, layerDependsOn, layerKey, stepDependsOn, sumsDependOn, sumsOf } from './rebuild-keys.js';
import { isState, readState, writeState } from './step-files.js';
import { addUp, dropSums } from './sum-files.js';
import type { CloseLayerInput, FinishShardResult, GatherSubBlockInput, GatherSubBlockResult, RebuildSubBlockInput, RebuildSubBlockResult, ShardedRebuildInput } from './types.js';
import { removedMeanwhile, unlessMade } from './unless-made.js';
import { wholePath } from './whole-path.js';

/** The report entry of a sub-block, without the error under its new masks. */
type Entry = ChosenPart['report'] & Pick<RebuildEntry, 'block'>;

/**
 * Runs one shard up to a sub-block under the current masks, then computes the sums of one step of the sub-block's rebuild. Does nothing if
 * the outcome of the step is already in the store.
 * @throws ShardsError if the strategy cannot work from shards
 */
export async function gatherSubBlock(input: GatherSubBlockInput, bench: Workbench): Promise<GatherSubBlockResult> {
  const { context, layer: index, path, blocks, state } = input;
  await bench.engineOf(context);
  // Before the store is searched.
  await partsOf(input);
  await bench.temporaryCopies.sweep(bench.store);
  const [whole, shards] = wholePath(path);
  const layer = layerKey(input, whole, shards);
  return unlessMade(input, layer, bench, async () => {
    const next = ArtifactStore.key('mask', stepDependsOn(input, whole, shards));
    await dropOlder(context, bench.store, 'mask', next);
    if ((await bench.store.find('mask', next)) !== undefined) return { seconds: 0, reused: true };
    return findOrGather(context, sumsDependOn(input, path), bench, async () => {
      bench.onProgress(`layer ${index}`);
      const { steps, before } = await windowsBefore(blocks.length, input, bench);
      bench.openLayer.put(path.tokens, layer, before);
      const request = steps.requestOf(before.block);
      bench.onProgress(`layer ${index}, ${request.subBlock.block}`);
      return steps.parts.gather(request, before.windows, await stateOf(state, request.subBlock, bench));
    });
  });
}

/**
 * Adds up the sums of all shards and ends a step: chooses the masks of the sub-block, or what the next step needs. Then removes the sums.
 * Masks and states are kept until the layer is closed, because another run of this store may work on the same layer.
 * @throws ShardsError, NonFiniteValueError
 */
export async function rebuildSubBlock(input: RebuildSubBlockInput, bench: Workbench): Promise<RebuildSubBlockResult> {
  const { context, layer: index, path, blocks, shards } = input;
  await bench.engineOf(context);
  // Before the store is searched.
  await partsOf(input);
  const layer = (await bench.model(context.model)).model.decoderLayer(index);
  const block = blocks.length;
  const subBlock = layer.subBlocks[block];
  const left = layer.subBlocks.length - block - 1;
  return unlessMade(input, layerKey(input, path, shards.length), bench, async () => {
    const sums = sumsOf(input, path);
    const dependsOn = stepDependsOn(input, path, shards.length);
    const made = ArtifactStore.key('mask', dependsOn);
    await dropOlder(context, bench.store, 'mask', made);
    const { manifest, reused } = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
      bench.onProgress(`layer ${index}, adding ${shards.length} shards`);
      const { parts, requestOf } = await openSteps(input, bench);
      const [request, state] = [requestOf(block), await stateOf(input.state, subBlock, bench)];
      const gathered = parts.restore(subBlock, await addUp(bench.store, sums));
      const chosen = await parts.choose(request, gathered, state).finally(() => { gathered.dispose(); });
      if ('next' in chosen) return writeState(draft, subBlock, chosen.next);
      const { masks, updates, report } = chosen;
      if (!Number.isFinite(report.errorBefore)) throw new NonFiniteValueError(`layer ${index}, ${subBlock.block}`, report.errorBefore);
      await writePrunedLayer(draft, layer, { masks: mergeMasks(request.masks, masks), updates: replacedUpdates(request.updates, subBlock, updates) });
      return { entries: [...(await entriesOf(currentMasks(input), block, bench)), { block: subBlock.block, ...report }] };
    });
    bench.temporaryCopies.note('mask', made);
    await dropSums(bench.store, sums);
    const done = { seconds: manifest.seconds, reused };
    return isState(manifest.summary) ? { state: made, ...done } : { mask: made, left, ...done };
  });
}

/** Runs one shard through the whole layer under its new masks. Returns the error of each sub-block. */
export async function finishShard(input: ShardedRebuildInput, bench: Workbench): Promise<FinishShardResult> {
  const { context, layer: index, path, blocks } = input;
  await bench.engineOf(context);
  await bench.temporaryCopies.sweep(bench.store);
  const key = layerKey(input, ...wholePath(path));
  return unlessMade(input, key, bench, async () => {
    const started = performance.now();
    bench.onProgress(`layer ${index}, errors`);
    const { steps, before } = await windowsBefore(blocks.length - 1, input, bench);
    const { hidden: stream, finished } = await finishBlock(before, steps);
    await checkFinite(stream, `hidden states after layer ${index}`);
    const seconds = (performance.now() - started) / 1000;
    const forward = finished.reduce((sum, one) => sum + one.seconds, bench.secondsOfWeights);
    // The output of the last layer is not used.
    if (isLast(context, index)) {
      tf.dispose(stream);
      await bench.hidden.end(context, path);
    } else {
      const after = { ...path, masks: [...path.masks, key] };
      await bench.hidden.put(context, after, stream, { atMost: forward });
      await bench.hidden.ensureDurable(context, after);
    }
    return { seconds, errors: finished.map(({ error }) => error), reused: false };
  });
}

/**
 * Stores the final masks of a layer that was rebuilt sub-block by sub-block, with the errors that the shards measured. Then removes the masks
 * of its sub-blocks.
 * @throws ArtifactLostError if the shards found the layer in the store, and it has been removed since
 */
export async function closeLayer(input: CloseLayerInput, bench: Workbench): Promise<RebuildResult> {
  const { context, stage, layer: index, path, start, shards, blocks, states = [], finished } = input;
  await bench.engineOf(context);
  const layer = (await bench.model(context.model)).model.decoderLayer(index);
  const dependsOn = layerDependsOn(input, path, shards.length);
  const mask = ArtifactStore.key('mask', dependsOn);
  const last = currentMasks(input);
  await dropOlder(context, bench.store, 'mask', mask);
  const { manifest, reused } = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
    const errors = finished?.errors ?? [];
    const isWhole = errors.length === shards.length && errors.every((of) => of.length === layer.subBlocks.length);
    if (finished === undefined || !isWhole) throw new ArtifactLostError('mask', mask, removedMeanwhile);
    const [before, after] = [await readPrunedLayer(bench.store, start, layer), await readPrunedLayer(bench.store, last, layer)];
    checkMasks(layer, before.masks, after.masks, { granularity: stage.granularity, pattern: parsePattern(context.pattern) });
    const known = await entriesOf(last, layer.subBlocks.length, bench);
    const entries = known.map((entry, block): RebuildEntry => ({ layer: index, ...entry, errorAfter: meanOver(shards, errors.map((of) => of[block])) }));
    checkErrors(entries);
    await writePrunedLayer(draft, layer, after);
    return { entries, gathering: finished.seconds } as unknown as Json;
  });
  // Shards that found the last layer have not used their hidden states.
  if (finished === undefined && isLast(context, index)) for (const tokens of shards) await bench.hidden.end(context, { ...path, tokens });
  // A run that found the layer may have gathered for the next step after the other run had removed its sums.
  for (let block = 0; block <= blocks.length; block++) {
    for (const state of [undefined, ...states.at(block) ?? []]) await dropSums(bench.store, sumsOf({ ...input, blocks: blocks.slice(0, block), state }, path));
  }
  for (const made of [...blocks, ...states.flat()]) await bench.store.drop('mask', made);
  const { entries, gathering } = manifest.summary as unknown as { entries: RebuildEntry[]; gathering: number };
  return { mask, entries, seconds: manifest.seconds + (reused ? gathering : 0), reused };
}

async function stateOf(key: ArtifactKey | undefined, subBlock: SubBlock, { store, temporaryCopies }: Workbench): Promise<StepState | undefined> {
  if (key === undefined) return undefined;
  temporaryCopies.note('mask', key);
  return readState(store, key, subBlock);
}

/** Returns the mean over the sequences of all shards. */
function meanOver(shards: CloseLayerInput['shards'], means: readonly number[]): number {
  const [sum, count] = shards.reduce(([total, sequences], { samples }, shard) => [total + means[shard] * samples, sequences + samples], [0, 0]);
  return sum / count;
}

/** Reads the entries of the sub-blocks that are already rebuilt. @throws ArtifactLostError if their masks are gone */
async function entriesOf(current: ArtifactKey, blocks: number, { store }: Workbench): Promise<Entry[]> {
  if (blocks === 0) return [];
  const manifest = await store.find('mask', current);
  if (manifest === undefined) throw new ArtifactLostError('mask', current, removedMeanwhile);
  return (manifest.summary as unknown as { entries: Entry[] }).entries;
}
