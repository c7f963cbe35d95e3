import type { Path } from '../types.js';
import { ShardsError } from './errors.js';

/** The path of all windows beside that of a shard, and how many shards there are. @throws ShardsError if the path is not a shard's */
export function wholePath({ tokens: { shard, ...tokens }, ...path }: Path): [whole: Path, shards: number] {
  if (shard === undefined) throw new ShardsError('a path that is no shard');
  return [{ ...path, tokens: { ...tokens, key: shard.whole } }, shard.of];
}
