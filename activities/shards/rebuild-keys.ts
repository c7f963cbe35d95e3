/** The keys of what a rebuild from shards stores. */
import { ArtifactStore, type Json } from '../../files/artifacts/index.js';
import { numericsVersion } from '../numerics.js';
import { rebuildDependsOn } from '../rebuild.js';
import type { ArtifactKey, KeyedPath, Path, RebuildInput } from '../types.js';
import type { GatherSubBlockInput, RebuildSubBlockInput, ShardedRebuildInput } from './types.js';
import { wholePath } from './whole-path.js';

/** Everything that determines a layer's masks that were rebuilt from the sums of shards. */
export function layerDependsOn({ context, stage, layer, start }: Omit<RebuildInput, 'path'>, whole: KeyedPath, shards: number): Json {
  return { ...(rebuildDependsOn({ context, stage, layer, path: whole, start }) as { [key: string]: Json }), shards, division: numericsVersion.shards };
}

export function layerKey(input: Omit<RebuildInput, 'path'>, whole: KeyedPath, shards: number): ArtifactKey {
  return ArtifactStore.key('mask', layerDependsOn(input, whole, shards));
}

/** Returns the key of the layer's current masks. */
export function currentMasks({ start, blocks }: Pick<ShardedRebuildInput, 'start' | 'blocks'>): ArtifactKey {
  return blocks.at(-1) ?? start;
}

/** Everything that determines the outcome of a step: the layer's masks after a sub-block is rebuilt, or a state. */
export function stepDependsOn(input: Omit<GatherSubBlockInput, 'path'>, whole: KeyedPath, shards: number): Json {
  return { layer: layerKey(input, whole, shards), ...stepOf(input) };
}

/**
 * Everything that determines a shard's sums for one step. They serve this step and are removed once it has ended.
 * @throws ShardsError if the path is not a shard's
 */
export function sumsDependOn(input: Omit<GatherSubBlockInput, 'path'>, path: Path): Json {
  return { mask: layerKey(input, ...wholePath(path)), ...stepOf(input), tokens: path.tokens.key };
}

/** Returns the keys of the sums of all shards for one step. @param whole path of all windows */
export function sumsOf(input: Omit<RebuildSubBlockInput, 'path'>, whole: Path): ArtifactKey[] {
  return input.shards.map((tokens) => ArtifactStore.key('sums', sumsDependOn(input, { ...whole, tokens })));
}

function stepOf(input: Pick<GatherSubBlockInput, 'start' | 'blocks' | 'state'>): { block: number; current: ArtifactKey; state: ArtifactKey | undefined } {
  return { block: input.blocks.length, current: currentMasks(input), state: input.state };
}
