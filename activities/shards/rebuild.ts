import { ArtifactLostError, ArtifactStore, type Json } from '../../files/artifacts/index.js';
import { tf, type Tensor3D } from '../../science/engine/index.js';
import { runUnchanged, mergeMasks, parsePattern, replacedUpdates, type ChosenPart, type Gathered, type OpenWindows } from '../../science/methods/index.js';
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
import { partsOf, streamBefore, withLayer, withStep } from './open-step.js';
import { layerDependsOn, layerKey, stepDependsOn, sumsDependOn, sumsOf } from './rebuild-keys.js';
import { isState, writeState } from './step-files.js';
import { addUp, dropSums } from './sum-files.js';
import type { CloseLayerInput, FinishShardResult, GatherSubBlockInput, GatherSubBlockResult, RebuildSubBlockInput, RebuildSubBlockResult, ShardedRebuildInput } from './types.js';
import { removedMeanwhile, unlessMade } from './unless-made.js';
import { rangeOf, wholePath } from './whole-path.js';

/** The report entry of a sub-block, without the error under its new masks. */
type Entry = ChosenPart['report'] & Pick<RebuildEntry, 'block'>;

/**
 * Runs one shard up to a sub-block under the current masks, then computes the sums of one step of the sub-block's rebuild. Does nothing if
 * the outcome of the step is already in the store.
 * @throws ShardsError if the strategy cannot work from shards
 */
export async function gatherSubBlock(input: GatherSubBlockInput, bench: Workbench): Promise<GatherSubBlockResult> {
  const { context, layer: index, path, block, current } = input;
  await bench.engineOf(context);
  const parts = await partsOf(input);
  await bench.temporaryCopies.sweep(bench.store);
  const [whole, shards] = wholePath(path);
  return unlessMade(input, layerKey(input, whole, shards), bench, async () => {
    const next = ArtifactStore.key('mask', stepDependsOn(input, whole, shards));
    await dropOlder(context, bench.store, 'mask', next);
    if ((await bench.store.find('mask', next)) !== undefined) return { seconds: 0, reused: true };
    return findOrGather(context, path, sumsDependOn(input, path), bench, () => {
      bench.onProgress(`layer ${index}`);
      const place = JSON.stringify([path.masks, current, block]);
      const work = (hidden: readonly Tensor3D[] = []): Promise<Gathered> => withStep(input, bench, ({ layer, request, state }) => {
        const open = async (): Promise<OpenWindows> => parts.open({ ...request, hidden: await streamBefore(block, { layer, hidden, request }), range: rangeOf(path) });
        return bench.opened.use(path.tokens, place, open, (windows) => {
          bench.onProgress(`layer ${index}, ${request.subBlock.block}`);
          return parts.gather(request, windows, state);
        });
      });
      return bench.opened.has(path.tokens, place) ? work() : bench.hidden.use(context, path, work);
    });
  });
}

/**
 * Adds up the sums of all shards and ends a step: chooses the masks of the sub-block, or what the next step needs. Then removes the sums.
 * Masks and states are kept until the layer is closed, because another run of this store may work on the same layer.
 * @throws ShardsError, NonFiniteValueError
 */
export async function rebuildSubBlock(input: RebuildSubBlockInput, bench: Workbench): Promise<RebuildSubBlockResult> {
  const { context, layer: index, path, block, shards, current } = input;
  await bench.engineOf(context);
  const parts = await partsOf(input);
  const layer = (await bench.model(context.model)).model.decoderLayer(index);
  const subBlock = layer.subBlocks[block];
  const left = layer.subBlocks.length - block - 1;
  return unlessMade(input, layerKey(input, path, shards.length), bench, async () => {
    const sums = sumsOf(input, path);
    const dependsOn = stepDependsOn(input, path, shards.length);
    const made = ArtifactStore.key('mask', dependsOn);
    await dropOlder(context, bench.store, 'mask', made);
    const { manifest, reused } = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
      bench.onProgress(`layer ${index}, adding ${shards.length} shards`);
      const gathered = parts.restore(subBlock, await addUp(bench.store, sums));
      const { before, chosen } = await withStep(input, bench, async ({ request, state }) => ({ before: request, chosen: await parts.choose(request, gathered, state) })).finally(() => { gathered.dispose(); });
      if ('next' in chosen) return writeState(draft, subBlock, chosen.next);
      const { masks, updates, report } = chosen;
      if (!Number.isFinite(report.errorBefore)) throw new NonFiniteValueError(`layer ${index}, ${subBlock.block}`, report.errorBefore);
      await writePrunedLayer(draft, layer, { masks: mergeMasks(before.masks, masks), updates: replacedUpdates(before.updates, subBlock, updates) });
      return { entries: [...(await entriesOf(current, block, bench)), { block: subBlock.block, ...report }] };
    });
    bench.temporaryCopies.note('mask', made);
    await dropSums(bench.store, sums);
    const done = { seconds: manifest.seconds, reused };
    return isState(manifest.summary) ? { state: made, ...done } : { mask: made, left, ...done };
  });
}

/** Runs one shard through the whole layer under its new masks. Returns the error of each sub-block. */
export async function finishShard(input: ShardedRebuildInput, bench: Workbench): Promise<FinishShardResult> {
  const { context, layer: index, path } = input;
  await bench.engineOf(context);
  await bench.temporaryCopies.sweep(bench.store);
  const key = layerKey(input, ...wholePath(path));
  return unlessMade(input, key, bench, async () => {
    const started = performance.now();
    let stream = await bench.hidden.take(context, path);
    bench.onProgress(`layer ${index}, errors`);
    const errors: number[] = [];
    await withLayer(input, bench, async ({ layer, dense, pruned }) => {
      for (const subBlock of layer.subBlocks) {
        const passed = await runUnchanged({ subBlock, hidden: stream, dense, ...pruned });
        stream = passed.hidden;
        errors.push(passed.report.errorAfter);
      }
    });
    await checkFinite(stream, `hidden states after layer ${index}`);
    const seconds = (performance.now() - started) / 1000;
    // The output of the last layer is not used.
    if (isLast(context, index)) {
      tf.dispose(stream);
      await bench.hidden.end(context, path);
    } else {
      const after = { ...path, masks: [...path.masks, key] };
      await bench.hidden.put(context, after, stream, { atMost: seconds });
      await bench.hidden.ensureDurable(context, after);
    }
    return { seconds, errors, reused: false };
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
  const last = blocks.at(-1) ?? start;
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
  for (const [block, current] of [start, ...blocks].entries()) {
    for (const state of [undefined, ...states.at(block) ?? []]) await dropSums(bench.store, sumsOf({ ...input, block, current, state }, path));
  }
  for (const made of [...blocks, ...states.flat()]) await bench.store.drop('mask', made);
  const { entries, gathering } = manifest.summary as unknown as { entries: RebuildEntry[]; gathering: number };
  return { mask, entries, seconds: manifest.seconds + (reused ? gathering : 0), reused };
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
