import { ArtifactStore, type Json } from '../../files/artifacts/index.js';
import { initialMethodOf, ownSettings, type InitialParts } from '../../science/methods/index.js';
import { dropOlder } from '../drop-older.js';
import { isLast } from '../hidden-paths.js';
import { findOrChoose, maskDependsOn } from '../initial-mask.js';
import type { ArtifactKey, InitialMaskResult, KeyedPath, Path, UnitResult } from '../types.js';
import { numericsVersion } from '../numerics.js';
import type { ChooseMaskInput, GatherInput } from './types.js';
import { disposeWeights } from '../weights.js';
import type { Workbench } from '../workbench.js';
import { ShardsError } from './errors.js';
import { advanceTo, findOrGather } from './gather.js';
import { addUp, dropSums, secondsOfSums } from './sum-files.js';
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
  await bench.temporaryCopies.sweep(bench.store);
  const last = isLast(context, index);
  const mask = maskOf(input, path);
  await dropOlder(context, bench.store, 'mask', mask);
  const found = (await bench.store.find('mask', mask)) !== undefined;
  const done = found ? { seconds: 0, reused: true } : await findOrGather(context, sumsDependOn(input, path), bench, async () => {
    await advanceTo(context, path, bench);
    const open = await bench.model(context.model);
    bench.onProgress(`layer ${index}`);
    return bench.hidden.use(context, path, async (hidden) => {
      const weights = await bench.layerWeights(open, index);
      try {
        const settings = ownSettings(initialMethodOf(stage.method).settings, stage);
        return await parts.gather({ layer: open.model.decoderLayer(index), weights, hidden, settings, ...context.experts });
      } finally {
        disposeWeights(weights);
      }
    }, last);
  });
  // The output of the last layer is not used.
  if (last) await bench.hidden.end(context, path);
  return done;
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
    onWritten: async () => ({ gathering: await secondsOfSums(bench.store, sums) }),
  });
  await dropSums(bench.store, sums);
  return made;
}

async function partsOf({ stage }: Pick<GatherInput, 'stage'>): Promise<InitialParts> {
  const { sharded } = initialMethodOf(stage.method);
  if (sharded === undefined) throw new ShardsError(`initialMask.method ${stage.method}`);
  return (await sharded.load()).parts;
}

type Sharded = Pick<GatherInput, 'context' | 'stage' | 'layer'>;

/** Everything that determines masks chosen from the sums of shards. */
export function shardedMaskDependsOn({ context, stage, layer }: Sharded, whole: KeyedPath, shards: number): Json {
  return { ...(maskDependsOn({ context, stage, layer, path: whole }) as { [key: string]: Json }), shards, division: numericsVersion.shards };
}

/** Everything that determines a shard's sums. They serve one mask and are removed once it is made, so no other run may rely on them. */
export function sumsDependOn(input: Sharded, path: Path): Json {
  return { mask: maskOf(input, path), tokens: path.tokens.key };
}

/** Returns the key of the mask that a shard's sums are for. @throws ShardsError if the path is not a shard's */
function maskOf(input: Sharded, path: Path): ArtifactKey {
  return ArtifactStore.key('mask', shardedMaskDependsOn(input, ...wholePath(path)));
}
