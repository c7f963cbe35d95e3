import { ArtifactLostError, ArtifactStore, type Json } from '../../files/artifacts/index.js';
import { tf } from '../../science/engine/index.js';
import type { DecoderLayer, SubBlock, Weights } from '../../science/models/index.js';
import { layerForward, leaveAlone, mergeMasks, ownSettings, parsePattern, rebuildMethodOf, replacedUpdates, type ChosenPart, type PartRequest, type RebuildParts, type Settings } from '../../science/methods/index.js';
import { dropOlder } from '../drop-older.js';
import { isLast } from '../initial-mask.js';
import { readPrunedLayer, writePrunedLayer, type PrunedLayer } from '../layer-files.js';
import { checkErrors, checkMasks, rebuildDependsOn } from '../rebuild.js';
import type { RebuildEntry } from '../result.js';
import { checkFinite } from '../tensor-batches.js';
import type {
  ArtifactKey, CloseLayerInput, FinishShardResult, GatherSubBlockInput, GatherSubBlockResult, Path, RebuildInput, RebuildResult, RebuildSubBlockInput, RebuildSubBlockResult, ShardedRebuildInput,
} from '../types.js';
import { disposeWeights } from '../weights.js';
import type { Workbench } from '../workbench.js';
import { ShardsError } from './errors.js';
import { advanceTo } from './initial-mask.js';
import { addUp, dropSums, writeSums } from './sum-files.js';
import { wholePath } from './whole-path.js';

/** The report entry of a sub-block, without the error under its new masks. */
type Entry = ChosenPart['report'] & Pick<RebuildEntry, 'block'>;

/**
 * Runs one shard up to a sub-block under the current masks, then computes the sums from which the sub-block's masks are rebuilt.
 * @throws ShardsError if the strategy cannot work from shards
 */
export async function gatherSubBlock(input: GatherSubBlockInput, bench: Workbench): Promise<GatherSubBlockResult> {
  const { context, layer: index, path, block } = input;
  await bench.engineOf(context);
  const parts = await partsOf(input);
  await bench.passing.sweep(bench.store);
  if (await isMade(input, bench)) return { seconds: 0, reused: true, made: true };
  const dependsOn = sumsDependOn(input, path);
  const sums = ArtifactStore.key('sums', dependsOn);
  await dropOlder(context, bench.store, 'sums', sums);
  bench.passing.note('sums', sums);
  const { manifest, reused } = await bench.store.findOrMake('sums', dependsOn, async (draft) => {
    await advanceTo(context, path, bench);
    bench.onProgress(`layer ${index}`);
    const gathered = await bench.hidden.look(context, path, (hidden) => withLayer(input, bench, async ({ layer, dense, pruned }) => {
      const stream = block === 0 ? hidden : await layerForward({ layer: { ...layer, subBlocks: layer.subBlocks.slice(0, block) }, hidden, weights: dense, ...pruned, keepInput: true });
      const subBlock = layer.subBlocks[block];
      bench.onProgress(`layer ${index}, ${subBlock.block}`);
      const result = await parts.gather({ ...requestOf(input, subBlock, dense, pruned), hidden: stream });
      if (stream !== hidden) tf.dispose(stream);
      return result;
    }));
    try {
      return await writeSums(draft, await gathered.download());
    } finally {
      gathered.dispose();
    }
  });
  return { seconds: manifest.seconds, reused, made: false };
}

/** Adds up the sums of all shards, rebuilds the masks of one sub-block from the total, and removes the sums. @throws ShardsError */
export async function rebuildSubBlock(input: RebuildSubBlockInput, bench: Workbench): Promise<RebuildSubBlockResult> {
  const { context, layer: index, path, block, shards, current } = input;
  await bench.engineOf(context);
  const parts = await partsOf(input);
  const layer = (await bench.model(context.model)).model.decoderLayer(index);
  const subBlock = layer.subBlocks[block];
  const left = layer.subBlocks.length - block - 1;
  const sums = shards.map((tokens) => ArtifactStore.key('sums', sumsDependOn(input, { ...path, tokens })));
  const dependsOn = { layer: layerKey(input, path, shards.length), block, current };
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
  await dropSums(bench.store, sums);
  if (block > 0) await bench.store.drop('mask', current);
  return { mask, left, seconds: manifest.seconds, reused };
}

/** Runs one shard through the whole layer under its new masks. Returns the error of each sub-block. */
export async function finishShard(input: ShardedRebuildInput, bench: Workbench): Promise<FinishShardResult> {
  const { context, layer: index, path } = input;
  await bench.engineOf(context);
  await bench.passing.sweep(bench.store);
  if (await isMade(input, bench)) return { seconds: 0, reused: true, errors: [] };
  const paths = path.tokens.shard?.of ?? 1;
  const started = performance.now();
  let stream = await bench.hidden.take(context, path);
  bench.onProgress(`layer ${index}, errors`);
  const errors: number[] = [];
  await withLayer(input, bench, async ({ layer, dense, pruned }) => {
    for (const subBlock of layer.subBlocks) {
      const passed = await leaveAlone({ subBlock, hidden: stream, dense, ...pruned });
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
    const after = { ...path, masks: [...path.masks, layerKey(input, ...wholePath(path))] };
    await bench.hidden.put(context, after, stream, { atMost: seconds, paths });
    await bench.hidden.settle(context, after, paths);
  }
  return { seconds, errors, reused: false };
}

/** Stores the final masks of a layer that was rebuilt sub-block by sub-block, with the errors that the shards measured. */
export async function closeLayer(input: CloseLayerInput, bench: Workbench): Promise<RebuildResult> {
  const { context, stage, layer: index, path, start, shards, current, errors, spent } = input;
  await bench.engineOf(context);
  const layer = (await bench.model(context.model)).model.decoderLayer(index);
  const dependsOn = layerDependsOn(input, path, shards.length);
  const mask = ArtifactStore.key('mask', dependsOn);
  await dropOlder(context, bench.store, 'mask', mask);
  const { manifest, reused } = await bench.store.findOrMake('mask', dependsOn, async (draft) => {
    // Without errors, the shards found the mask in the store. It has been removed since.
    if (errors.length < shards.length) throw new ArtifactLostError('mask', mask, 'it was removed while it was used');
    const [before, after] = [await readPrunedLayer(bench.store, start, layer), await readPrunedLayer(bench.store, current, layer)];
    checkMasks(layer, before.masks, after.masks, { granularity: stage.granularity, pattern: parsePattern(context.pattern) });
    const known = await entriesOf(current, layer.subBlocks.length, bench);
    const entries = known.map((entry, block): RebuildEntry => ({ layer: index, ...entry, errorAfter: meanOver(shards, errors.map((of) => of[block])) }));
    checkErrors(entries);
    await writePrunedLayer(draft, layer, after);
    return { entries, gathering: spent } as unknown as Json;
  });
  if (current !== start) await bench.store.drop('mask', current);
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
  if (current !== start) bench.passing.note('mask', current);
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

/** Reads the entries of the sub-blocks that are already rebuilt. */
async function entriesOf(current: ArtifactKey, blocks: number, { store }: Workbench): Promise<Entry[]> {
  if (blocks === 0) return [];
  return ((await store.find('mask', current))?.summary as unknown as { entries?: Entry[] } | undefined)?.entries ?? [];
}

/** Everything that determines a layer's masks that were rebuilt from the sums of shards. */
export function layerDependsOn({ context, stage, layer, start }: Omit<RebuildInput, 'path'>, whole: Path, shards: number): Json {
  return { ...(rebuildDependsOn({ context, stage, layer, path: whole, start }) as { [key: string]: Json }), shards };
}

function layerKey(input: Omit<RebuildInput, 'path'>, whole: Path, shards: number): ArtifactKey {
  return ArtifactStore.key('mask', layerDependsOn(input, whole, shards));
}

/**
 * Everything that determines a shard's sums for one sub-block. They serve one mask and are removed once it is made.
 * @throws ShardsError if the path is not a shard's
 */
export function sumsDependOn(input: Omit<GatherSubBlockInput, 'path'>, path: Path): Json {
  return { mask: layerKey(input, ...wholePath(path)), block: input.block, current: input.current, tokens: path.tokens.key };
}

/** Checks whether the layer's rebuilt masks are in the store. */
async function isMade(input: ShardedRebuildInput, { store }: Workbench): Promise<boolean> {
  const mask = layerKey(input, ...wholePath(input.path));
  await dropOlder(input.context, store, 'mask', mask);
  return (await store.find('mask', mask)) !== undefined;
}
