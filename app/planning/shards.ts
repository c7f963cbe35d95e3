/** What work on the shards of a calibration takes. The plan has all of it on one worker, since a run may come down to that. */
import type { CommonSettings } from '../../science/methods/rebuild/method.js';
import { initialMethodOf, type InitialMethodName } from '../../science/methods/initial/registry.js';
import { rebuildMethodOf, type RebuildStrategy } from '../../science/methods/rebuild/registry.js';
import { addWork, f32, hiddenBytes, maskBytes, type Cost, type ModelSize, type Windows } from '../../science/cost/index.js';
import { kinds, type Step } from './step.js';

/** The shards of a stage. */
export interface PlannedShards {
  count: number;
  /** Bytes that go through the store for one layer at most: sums and masks, written and read, were each shard on a machine of its own. */
  bytesPerLayer: number;
}

interface Sharded {
  steps: Step[];
  shards: PlannedShards;
}

/** Steps of an initial mask. @returns undefined for a method that reads no windows, or not in shards */
export function initialShardSteps(method: InitialMethodName, size: ModelSize, windows: Windows, count: number): Sharded | undefined {
  const { needs, sharded } = initialMethodOf(method);
  if (needs !== 'hidden-states' || sharded === undefined) return undefined;
  const one = shardOf(windows, count);
  const sums = sharded.sumBytes(size);
  const { gather, choose } = sharded.cost(size, one);
  return {
    steps: [
      { kind: kinds.gather(method), count: count * size.layers, cost: withSums(beside(gather, size, one, count), sums, { written: 1 }) },
      { kind: kinds.choose(method), count: size.layers, cost: withSums(beside(choose, size, one, count + 1), sums, { read: count }) },
    ],
    shards: { count, bytesPerLayer: through(size, { sums, count, masks: 1 }) },
  };
}

/** Steps of a rebuild. @returns undefined for a strategy that does not work in shards */
export function rebuildShardSteps(strategy: RebuildStrategy, size: ModelSize, windows: Windows, count: number, common: CommonSettings): Sharded | undefined {
  const { sharded } = rebuildMethodOf(strategy);
  if (sharded === undefined) return undefined;
  const one = shardOf(windows, count);
  const blocks = size.layer.subBlocks.length;
  const sums = sharded.sumBytes(size);
  const { gather, choose, finish } = sharded.cost(size, one, common);
  return {
    steps: [
      { kind: kinds.gather(strategy), count: blocks * count * size.layers, cost: withSums(beside(gather, size, one, count), sums / blocks, { written: 1 }) },
      { kind: kinds.choose(strategy), count: blocks * size.layers, cost: withSums(beside(choose, size, one, count + 1), sums / blocks, { read: count }) },
      { kind: kinds.finish(strategy), count: count * size.layers, cost: beside(finish, size, one, count) },
    ],
    shards: { count, bytesPerLayer: through(size, { sums, count, masks: blocks + 1 }) },
  };
}

/** The largest of the shards. */
function shardOf({ samples, ...rest }: Windows, count: number): Windows {
  return { ...rest, samples: Math.ceil(samples / count) };
}

/** With the hidden states of the other shards in memory. */
function beside({ memory, work }: Cost, size: ModelSize, one: Windows, count: number): Cost {
  return { memory: { ...memory, tensors: memory.tensors + (count - 1) * hiddenBytes(size, one) }, work };
}

/** With sums on the host: those of one shard, or the total and one shard more. @param sums bytes of one shard */
function withSums({ memory, work }: Cost, sums: number, { written = 0, read = 0 }: { written?: number; read?: number }): Cost {
  return {
    memory: { ...memory, host: memory.host + (read > 0 ? 2 : 1) * sums },
    work: addWork([1, work], [written, { writtenBytes: sums, files: 2 }], [read, { readBytes: sums, hostFlops: sums / f32 }]),
  };
}

/** @param masks how often the masks of the layer are written, and read by every shard */
function through(size: ModelSize, { sums, count, masks }: { sums: number; count: number; masks: number }): number {
  return 2 * count * sums + masks * (count + 1) * maskBytes(size);
}
