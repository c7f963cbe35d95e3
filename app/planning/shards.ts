/** Costs of working from shards of a calibration. The plan assumes a single worker, because a run may end up with only one. */
import type { CommonSettings, StepSizes } from '../../science/methods/rebuild/method.js';
import { initialMethodOf, type InitialMethodName } from '../../science/methods/initial/registry.js';
import { rebuildMethodOf, type RebuildStrategy } from '../../science/methods/rebuild/registry.js';
import { ownSettings } from '../../science/methods/settings.js';
import { addWork, f32, hiddenBytes, maskBytes, readLayer, type Cost, type ModelSize, type Windows } from '../../science/cost/index.js';
import { kinds, type Step } from './step.js';

/** The shards of a stage. */
export interface PlannedShards {
  count: number;
  /** Maximum bytes that one layer writes to and reads from the store: sums and masks, with each shard on its own machine. */
  bytesPerLayer: number;
}

interface Sharded {
  steps: Step[];
  shards: PlannedShards;
}

/** Returns the steps of an initial mask; undefined for a method that does not support shards. */
export function initialShardSteps(method: InitialMethodName, size: ModelSize, windows: Windows, count: number): Sharded | undefined {
  const { sharded } = initialMethodOf(method);
  if (sharded === undefined) return undefined;
  const one = shardOf(windows, count);
  const sums = sharded.sumBytes(size);
  const { gather, choose } = sharded.cost(size, one);
  return {
    steps: [
      { kind: kinds.gather(method), count: count * size.layers, cost: withSums(withOtherShards(gather, size, one, count), { bytes: sums, largest: sums }, { written: 1 }) },
      { kind: kinds.choose(method), count: size.layers, cost: withSums(withOtherShards(choose, size, one, count + 1), { bytes: sums, largest: sums }, { read: count }) },
    ],
    shards: { count, bytesPerLayer: storeBytesPerLayer(size, { sums, count, masks: 1 }) },
  };
}

/** A rebuild, as far as its steps depend on it. */
type ShardedStage = { strategy: RebuildStrategy } & CommonSettings;

/** Returns the steps of a rebuild; undefined for a strategy that does not support shards. */
export function rebuildShardSteps(stage: ShardedStage, size: ModelSize, windows: Windows, count: number): Sharded | undefined {
  const { strategy } = stage;
  const { sharded, settings } = rebuildMethodOf(strategy);
  const sizes = stepsOfSubBlock(stage, size);
  if (sharded === undefined || sizes === undefined) return undefined;
  const one = shardOf(windows, count);
  const blocks = size.layer.subBlocks.length;
  const { steps, streams, sumBytes, largestSumBytes, stateBytes, largestStateBytes } = sizes;
  const { gather, choose, finish } = sharded.cost(size, one, stage, ownSettings(settings, stage));
  const sums = { bytes: sumBytes / steps, largest: largestSumBytes };
  const state = { bytes: stateBytes / steps, largest: largestStateBytes };
  const all = blocks * steps * size.layers;
  return {
    steps: [
      { kind: kinds.gather(strategy), count: count * all, cost: withState(withSums(withOtherShards(withWeights(gather, size, 1 / (count * blocks * steps)), size, one, count, streams), sums, { written: 1 }), state, { read: 1 }) },
      { kind: kinds.choose(strategy), count: all, cost: withState(withSums(withOtherShards(choose, size, one, count + 1, streams), sums, { read: count }), state, { read: 1, written: 1 }) },
      { kind: kinds.finish(strategy), count: count * size.layers, cost: withOtherShards(finish, size, one, count, streams) },
    ],
    shards: { count, bytesPerLayer: storeBytesPerLayer(size, { sums: blocks * sumBytes, count, masks: blocks + 1 }) + blocks * stateBytes * (count + 1) },
  };
}

/** Returns the steps in which a rebuild from shards makes the masks of a sub-block; undefined for a strategy that does not support shards. */
export function stepsOfSubBlock(stage: ShardedStage, size: ModelSize): StepSizes | undefined {
  const { sharded, settings } = rebuildMethodOf(stage.strategy);
  return sharded?.steps(size, stage, ownSettings(settings, stage));
}

/** Returns the windows of the largest shard. */
export function shardOf({ samples, ...rest }: Windows, count: number): Windows {
  return { ...rest, samples: Math.ceil(samples / count) };
}

/** Adds the hidden states of the other shards to the memory. @param streams copies of them */
function withOtherShards({ memory, work }: Cost, size: ModelSize, one: Windows, count: number, streams = 1): Cost {
  return { memory: { ...memory, tensors: memory.tensors + (count - 1) * streams * hiddenBytes(size, one) }, work };
}

/** Adds reading a layer's weights. @param times a share if they stay in memory for other steps */
function withWeights({ memory, work }: Cost, size: ModelSize, times: number): Cost {
  return { memory, work: addWork([1, work], [times, readLayer(size)]) };
}

/** How often something is written and read. */
interface Traffic {
  written?: number;
  read?: number;
}

/**
 * Adds the sums on the host: those of one shard, or the total and those of one shard when reading.
 * @param bytes of one shard's sums: in the mean step, and in the step with the most
 */
function withSums({ memory, work }: Cost, { bytes, largest }: { bytes: number; largest: number }, { written = 0, read = 0 }: Traffic): Cost {
  return {
    memory: { ...memory, host: memory.host + (read > 0 ? 2 : 1) * largest },
    work: addWork([1, work], [written, { writtenBytes: bytes, files: 2 }], [read, { readBytes: bytes, hostFlops: bytes / f32 }]),
  };
}

/** Adds what is stored between two steps. @param bytes of the mean state, and of the largest */
function withState({ memory, work }: Cost, { bytes, largest }: { bytes: number; largest: number }, { written = 0, read = 0 }: Traffic): Cost {
  return { memory: { ...memory, host: memory.host + largest }, work: addWork([1, work], [written, { writtenBytes: bytes }], [read, { readBytes: bytes }]) };
}

/** Returns {@link PlannedShards.bytesPerLayer}. @param masks how often the layer's masks are written and then read by every shard */
function storeBytesPerLayer(size: ModelSize, { sums, count, masks }: { sums: number; count: number; masks: number }): number {
  return 2 * count * sums + masks * (count + 1) * maskBytes(size);
}
