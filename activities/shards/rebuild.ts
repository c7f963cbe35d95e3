import { ArtifactLostError, ArtifactStore, type Json } from '../../files/artifacts/index.js';
import { tf } from '../../science/engine/index.js';
import type { DecoderLayer, SubBlock, Weights } from '../../science/models/index.js';
import { layerForward, runUnchanged, mergeMasks, ownSettings, parsePattern, rebuildMethodOf, replacedUpdates, type ChosenPart, type PartRequest, type RebuildParts, type Settings } from '../../science/methods/index.js';
import { dropOlder } from '../drop-older.js';
import { isLast } from '../hidden-paths.js';
import { readPrunedLayer, writePrunedLayer, type PrunedLayer } from '../layer-files.js';
import { checkErrors, checkMasks, rebuildDependsOn } from '../rebuild.js';
import type { RebuildEntry } from '../result.js';
import { checkFinite } from '../tensor-batches.js';
import type { ArtifactKey, KeyedPath, Path, RebuildInput, RebuildResult, UnitResult } from '../types.js';
import type { CloseLayerInput, FinishShardResult, GatherSubBlockInput, GatherSubBlockResult, LayerMade, RebuildSubBlockInput, RebuildSubBlockResult, ShardedRebuildInput } from './types.js';
import { disposeWeights } from '../weights.js';
import type { Workbench } from '../workbench.js';
import { ShardsError } from './errors.js';
import { findOrGather } from './gather.js';
import { addUp, dropSums } from './sum-files.js';
import { wholePath } from './whole-path.js';

/** The report entry of a sub-block, without the error under its new masks. */
type Entry = ChosenPart['report'] & Pick<RebuildEntry, 'block'>;

const removedMeanwhile = 'it was removed while it was used';

/**
 * Runs one shard up to a sub-block under the current masks, then computes the sums from which the sub-block's masks are rebuilt. Does nothing
 * if these masks are already in the store.
 * @throws ShardsError if the strategy cannot work from shards
 */
export async function gatherSubBlock(input: GatherSubBlockInput, bench: Workbench): Promise<GatherSubBlockResult> {
  const { context, layer: index, path, block } = input;
  await bench.engineOf(context);
  const parts = await partsOf(input);
  await bench.temporaryCopies.sweep(bench.store);
  const [whole, shards] = wholePath(path);
  return unlessMade(input, layerKey(input, whole, shards), bench, async () => {
    const next = ArtifactStore.key('mask', subBlockDependsOn(input, whole, shards));
    await dropOlder(context, bench.store, 'mask', next);
    if ((await bench.store.find('mask', next)) !== undefined) return { seconds: 0, reused: true };
    return findOrGather(context, path, sumsDependOn(input, path), bench, () => {
      bench.onProgress(`layer ${index}`);
      return bench.hidden.use(context, path, (hidden) => withLayer(input, bench, async ({ layer, dense, pruned }) => {
        const stream = block === 0 ? hidden : await layerForward({ layer: { ...layer, subBlocks: layer.subBlocks.slice(0, block) }, hidden, weights: dense, ...pruned, keepInput: true });
        const subBlock = layer.subBlocks[block];
        bench.onProgress(`layer ${index}, ${subBlock.block}`);
        const result = await parts.gather({ ...requestOf(input, subBlock, dense, pruned), hidden: stream });
        if (stream !== hidden) tf.dispose(stream);
        return result;
      }));
    });
  });
}

/**
 * Adds up the sums of all shards, rebuilds the masks of one sub-block from the total, and removes the sums. The masks are kept until the
 * layer is closed, because another run of this store may work on the same layer.
 * @throws ShardsError
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
    const dependsOn = subBlockDependsOn(input, path, shards.length);
    const mask = ArtifactStore.key('mask', dependsOn);
    await dropOlder(context, bench.store, 'mask', mask);
    const { manifest, reused } = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
      bench.onProgress(`layer ${index}, adding ${shards.length} shards`);
      const gathered = parts.restore(subBlock, await addUp(bench.store, sums));
      const { before, chosen } = await withLayer(input, bench, async ({ dense, pruned }) => ({ before: pruned, chosen: await parts.choose(requestOf(input, subBlock, dense, pruned), gathered) })).finally(() => { gathered.dispose(); });
      await writePrunedLayer(draft, layer, { masks: mergeMasks(before.masks, chosen.masks), updates: replacedUpdates(before.updates, subBlock, chosen.updates) });
      const entries = [...(await entriesOf(current, block, bench)), { block: subBlock.block, ...chosen.report }];
      return { entries };
    });
    bench.temporaryCopies.note('mask', mask);
    await dropSums(bench.store, sums);
    return { mask, left, seconds: manifest.seconds, reused };
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
  const { context, stage, layer: index, path, start, shards, blocks, finished } = input;
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
  // A run that found the layer may have gathered for the next sub-block after the other run had removed its sums.
  for (const [block, current] of [start, ...blocks].entries()) await dropSums(bench.store, sumsOf({ ...input, block, current }, path));
  for (const made of blocks) await bench.store.drop('mask', made);
  const { entries, gathering } = manifest.summary as unknown as { entries: RebuildEntry[]; gathering: number };
  return { mask, entries, seconds: manifest.seconds + (reused ? gathering : 0), reused };
}

/** Returns the mean over the sequences of all shards. */
function meanOver(shards: CloseLayerInput['shards'], means: readonly number[]): number {
  const [sum, count] = shards.reduce(([total, sequences], { samples }, shard) => [total + means[shard] * samples, sequences + samples], [0, 0]);
  return sum / count;
}

interface OpenLayer {
  layer: DecoderLayer;
  dense: Weights;
  pruned: PrunedLayer;
}

/** Calls `work` with a layer's dense weights and its current masks. Disposes the weights afterwards. */
async function withLayer<T>({ context, layer: index, start, current }: ShardedRebuildInput, bench: Workbench, work: (open: OpenLayer) => Promise<T>): Promise<T> {
  const open = await bench.model(context.model);
  const layer = open.model.decoderLayer(index);
  const pruned = await readPrunedLayer(bench.store, current, layer);
  if (current !== start) bench.temporaryCopies.note('mask', current);
  const dense = await bench.layerWeights(open, index);
  try {
    return await work({ layer, dense, pruned });
  } finally {
    disposeWeights(dense);
  }
}

function requestOf({ context, stage }: RebuildInput, subBlock: SubBlock, dense: Weights, { masks, updates }: PrunedLayer): PartRequest<Settings> {
  const { granularity, metric, weights } = stage;
  const settings = ownSettings(rebuildMethodOf(stage.strategy).settings, stage);
  return { subBlock, dense, masks, updates, pattern: parsePattern(context.pattern), common: { granularity, metric, weights }, settings };
}

async function partsOf({ stage }: RebuildInput): Promise<RebuildParts> {
  const { sharded } = rebuildMethodOf(stage.strategy);
  if (sharded === undefined) throw new ShardsError(`rebuild.strategy ${stage.strategy}`);
  return (await sharded.load()).parts;
}

/** Reads the entries of the sub-blocks that are already rebuilt. @throws ArtifactLostError if their masks are gone */
async function entriesOf(current: ArtifactKey, blocks: number, { store }: Workbench): Promise<Entry[]> {
  if (blocks === 0) return [];
  const manifest = await store.find('mask', current);
  if (manifest === undefined) throw new ArtifactLostError('mask', current, removedMeanwhile);
  return (manifest.summary as unknown as { entries: Entry[] }).entries;
}

/** Everything that determines a layer's masks that were rebuilt from the sums of shards. */
export function layerDependsOn({ context, stage, layer, start }: Omit<RebuildInput, 'path'>, whole: KeyedPath, shards: number): Json {
  return { ...(rebuildDependsOn({ context, stage, layer, path: whole, start }) as { [key: string]: Json }), shards };
}

function layerKey(input: Omit<RebuildInput, 'path'>, whole: KeyedPath, shards: number): ArtifactKey {
  return ArtifactStore.key('mask', layerDependsOn(input, whole, shards));
}

/** Everything that determines a layer's masks after one of its sub-blocks is rebuilt. */
function subBlockDependsOn(input: Omit<GatherSubBlockInput, 'path'>, whole: KeyedPath, shards: number): Json {
  return { layer: layerKey(input, whole, shards), block: input.block, current: input.current };
}

/**
 * Everything that determines a shard's sums for one sub-block. They serve one mask and are removed once it is made.
 * @throws ShardsError if the path is not a shard's
 */
export function sumsDependOn(input: Omit<GatherSubBlockInput, 'path'>, path: Path): Json {
  return { mask: layerKey(input, ...wholePath(path)), block: input.block, current: input.current, tokens: path.tokens.key };
}

/** Returns the keys of the sums of all shards for one sub-block. @param whole path of all windows */
function sumsOf(input: Omit<RebuildSubBlockInput, 'path'>, whole: Path): ArtifactKey[] {
  return input.shards.map((tokens) => ArtifactStore.key('sums', sumsDependOn(input, { ...whole, tokens })));
}

/**
 * Does a part of a layer's work, unless the layer's rebuilt masks are in the store. Another run of this store may finish the layer at the
 * same time, and remove the artifacts that this part needs.
 * @param mask key of the layer's rebuilt masks
 * @throws ArtifactLostError if an artifact is gone although the layer is not finished
 */
async function unlessMade<Done extends UnitResult>({ context, current }: Pick<ShardedRebuildInput, 'context' | 'current'>, mask: ArtifactKey, { store }: Workbench, work: () => Promise<Done>): Promise<LayerMade | (Done & { made: false })> {
  const made: LayerMade = { seconds: 0, reused: true, made: true };
  await dropOlder(context, store, 'mask', mask);
  const isMade = async (): Promise<boolean> => (await store.find('mask', mask)) !== undefined;
  if (await isMade()) return made;
  try {
    // Before hidden states are taken out of memory.
    if ((await store.find('mask', current)) === undefined) throw new ArtifactLostError('mask', current, removedMeanwhile);
    return { ...(await work()), made: false };
  } catch (error) {
    if (error instanceof ArtifactLostError && (await isMade())) return made;
    throw error;
  }
}
