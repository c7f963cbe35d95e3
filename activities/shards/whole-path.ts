import type { KeyedPath, Path } from '../types.js';
import { ShardsError } from './errors.js';

/** The path of all windows beside that of a shard, and how many shards there are. @throws ShardsError if the path is not a shard's */
export function wholePath({ tokens: { shard }, masks }: Path): [whole: KeyedPath, shards: number] {
  if (shard === undefined) throw new ShardsError('a path that is no shard');
  return [{ tokens: { key: shard.whole }, masks }, shard.of];
}
