/** Costs of working from shards of a calibration. The plan assumes a single worker, because a run may end up with only one. */
import type { CommonSettings } from '../../science/methods/rebuild/method.js';
import { initialMethodOf, type InitialMethodName } from '../../science/methods/initial/registry.js';
import { rebuildMethodOf, type RebuildStrategy } from '../../science/methods/rebuild/registry.js';
import { addWork, f32, hiddenBytes, maskBytes, type Cost, type ModelSize, type Windows } from '../../science/cost/index.js';
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
      { kind: kinds.gather(method), count: count * size.layers, cost: withSums(withOtherShards(gather, size, one, count), sums, { written: 1 }) },
      { kind: kinds.choose(method), count: size.layers, cost: withSums(withOtherShards(choose, size, one, count + 1), sums, { read: count }) },
    ],
    shards: { count, bytesPerLayer: storeBytesPerLayer(size, { sums, count, masks: 1 }) },
  };
}

/** Returns the steps of a rebuild; undefined for a strategy that does not support shards. */
export function rebuildShardSteps(strategy: RebuildStrategy, size: ModelSize, windows: Windows, count: number, common: CommonSettings): Sharded | undefined {
  const { sharded } = rebuildMethodOf(strategy);
  if (sharded === undefined) return undefined;
  const one = shardOf(windows, count);
  const blocks = size.layer.subBlocks.length;
  const sums = sharded.sumBytes(size);
  const { gather, choose, finish } = sharded.cost(size, one, common);
  return {
    steps: [
      { kind: kinds.gather(strategy), count: blocks * count * size.layers, cost: withSums(withOtherShards(gather, size, one, count), sums / blocks, { written: 1 }) },
      { kind: kinds.choose(strategy), count: blocks * size.layers, cost: withSums(withOtherShards(choose, size, one, count + 1), sums / blocks, { read: count }) },
      { kind: kinds.finish(strategy), count: count * size.layers, cost: withOtherShards(finish, size, one, count) },
    ],
    shards: { count, bytesPerLayer: storeBytesPerLayer(size, { sums, count, masks: blocks + 1 }) },
  };
}

/** Returns the windows of the largest shard. */
export function shardOf({ samples, ...rest }: Windows, count: number): Windows {
  return { ...rest, samples: Math.ceil(samples / count) };
}

/** Adds the hidden states of the other shards to the memory. */
function withOtherShards({ memory, work }: Cost, size: ModelSize, one: Windows, count: number): Cost {
  return { memory: { ...memory, tensors: memory.tensors + (count - 1) * hiddenBytes(size, one) }, work };
}

/** Adds the sums on the host: those of one shard, or the total and those of one shard when reading. @param sums bytes of one shard's sums */
function withSums({ memory, work }: Cost, sums: number, { written = 0, read = 0 }: { written?: number; read?: number }): Cost {
  return {
    memory: { ...memory, host: memory.host + (read > 0 ? 2 : 1) * sums },
    work: addWork([1, work], [written, { writtenBytes: sums, files: 2 }], [read, { readBytes: sums, hostFlops: sums / f32 }]),
  };
}

/** Returns {@link PlannedShards.bytesPerLayer}. @param masks how often the layer's masks are written and then read by every shard */
function storeBytesPerLayer(size: ModelSize, { sums, count, masks }: { sums: number; count: number; masks: number }): number {
  return 2 * count * sums + masks * (count + 1) * maskBytes(size);
}
