import { ArtifactStore, type Json } from '../../files/artifacts/index.js';
import { initialMethodOf, ownSettings, type InitialParts } from '../../science/methods/index.js';
import { advanceLayer } from '../advance-layer.js';
import { dropOlder } from '../drop-older.js';
import { beginningOf } from '../hidden-paths.js';
import { findOrChoose, isLast, maskDependsOn } from '../initial-mask.js';
import type { ArtifactKey, InitialMaskResult, KeyedPath, Path, RunContext, UnitResult } from '../types.js';
import type { ChooseMaskInput, GatherInput } from './types.js';
import { disposeWeights } from '../weights.js';
import type { Workbench } from '../workbench.js';
import { ShardsError } from './errors.js';
import { addUp, dropSums, secondsOfSums, writeSums } from './sum-files.js';
import { wholePath } from './whole-path.js';

/**
 * Runs one shard through the previous layer under its new mask, then computes the shard's sums, from which this layer's initial masks
 * are chosen. Does nothing if the masks are already in the store.
 * @throws ShardsError if the method cannot work from shards
 */
export async function gatherShard(input: GatherInput, bench: Workbench): Promise<UnitResult> {
  const { context, stage, layer: index, path } = input;
  await bench.engineOf(context);
  const parts = await partsOf(input);
  await bench.passing.sweep(bench.store);
  // Nobody needs what comes out of the last layer.
  const last = isLast(context, index);
  const { found, dependsOn } = await lookUp(input, path, bench);
  if (found) {
    if (last) await bench.hidden.end(context, path);
    return { seconds: 0, reused: true };
  }
  const sums = ArtifactStore.key('sums', dependsOn);
  await dropOlder(context, bench.store, 'sums', sums);
  const { manifest, reused } = await bench.store.findOrMake('sums', dependsOn, async (draft) => {
    await advanceTo(context, path, bench);
    const open = await bench.model(context.model);
    bench.onProgress(`layer ${index}`);
    const gathered = await bench.hidden[last ? 'use' : 'look'](context, path, async (hidden) => {
      const weights = await bench.layerWeights(open, index);
      try {
        const settings = ownSettings(initialMethodOf(stage.method).settings, stage);
        return await parts.gather({ layer: open.model.decoderLayer(index), weights, hidden, settings, ...context.experts });
      } finally {
        disposeWeights(weights);
      }
    });
    try {
      return await writeSums(draft, await gathered.download());
    } finally {
      gathered.dispose();
    }
  });
  // Not earlier: if the upload failed, the next attempt needs the local copy.
  bench.passing.note('sums', sums);
  if (last) await bench.hidden.end(context, path);
  return { seconds: manifest.seconds, reused };
}

/** Adds up the sums of all shards, chooses a layer's initial masks from the total, and removes the sums. @throws ShardsError */
export async function chooseMask(input: ChooseMaskInput, bench: Workbench): Promise<InitialMaskResult> {
  const { context, layer, path, shards } = input;
  await bench.engineOf(context);
  const parts = await partsOf(input);
  const sums = shards.map((tokens) => ArtifactStore.key('sums', sumsDependOn(input, { ...path, tokens })));
  const made = await findOrChoose(input, shardedMaskDependsOn(input, path, shards.length), bench, {
    choose: async (request) => {
      bench.onProgress(`layer ${layer}, adding ${shards.length} shards`);
      const gathered = parts.restore(request.layer, await addUp(bench.store, sums));
      try {
        return await parts.choose(request, gathered);
      } finally {
        gathered.dispose();
      }
    },
    written: async () => ({ gathering: await secondsOfSums(bench.store, sums) }),
  });
  await dropSums(bench.store, sums);
  return made;
}

/** Runs the path's last layer, unless its output is already there. */
export async function advanceTo(context: RunContext, path: Path, bench: Workbench): Promise<void> {
  const layer = path.masks.length - 1;
  if (layer >= 0) await advanceLayer({ context, layer, path: beginningOf(path, layer), mask: path.masks[layer] }, bench);
}

async function partsOf({ stage }: Pick<GatherInput, 'stage'>): Promise<InitialParts> {
  const { sharded } = initialMethodOf(stage.method);
  if (sharded === undefined) throw new ShardsError(`initialMask.method ${stage.method}`);
  return (await sharded.load()).parts;
}

type Sharded = Pick<GatherInput, 'context' | 'stage' | 'layer'>;

/** Everything that determines masks chosen from the sums of shards. */
export function shardedMaskDependsOn({ context, stage, layer }: Sharded, whole: KeyedPath, shards: number): Json {
  return { ...(maskDependsOn({ context, stage, layer, path: whole }) as { [key: string]: Json }), shards };
}

/** Everything that determines a shard's sums. They serve one mask and are removed once it is made, so no other run may rely on them. */
export function sumsDependOn(input: Sharded, path: Path): Json {
  return { mask: maskOf(input, path), tokens: path.tokens.key };
}

/** Returns the key of the mask that a shard's sums are for. @throws ShardsError if the path is not a shard's */
function maskOf(input: Sharded, path: Path): ArtifactKey {
  return ArtifactStore.key('mask', shardedMaskDependsOn(input, ...wholePath(path)));
}

/** Checks whether the mask that a shard's sums are for is in the store. Also returns what determines the sums. */
async function lookUp(input: GatherInput, path: Path, { store }: Workbench): Promise<{ found: boolean; dependsOn: Json }> {
  const mask = maskOf(input, path);
  await dropOlder(input.context, store, 'mask', mask);
  return { found: (await store.find('mask', mask)) !== undefined, dependsOn: sumsDependOn(input, path) };
}
