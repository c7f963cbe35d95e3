import type { WindowRange } from '../../science/methods/index.js';
import type { KeyedPath, Path } from '../types.js';
import { ShardsError } from './errors.js';

/** Returns the path of all windows that a shard's path belongs to, and the number of shards. @throws ShardsError if the path is not a shard's */
export function wholePath({ tokens: { shard }, masks }: Path): [whole: KeyedPath, shards: number] {
  if (shard === undefined) throw new ShardsError('a path that is no shard');
  return [{ tokens: { key: shard.whole }, masks }, shard.of];
}

/** Returns which windows a shard has. @throws ShardsError if the path is not a shard's */
export function rangeOf({ tokens: { shard } }: Path): WindowRange {
  if (shard === undefined) throw new ShardsError('a path that is no shard');
  return shard.range;
}
