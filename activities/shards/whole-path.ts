import type { Path } from '../types.js';
import { ShardsError } from './errors.js';

/** Returns the path of all windows that a shard's path belongs to, and the number of shards. @throws ShardsError if the path is not a shard's */
export function wholePath({ tokens: { shard, ...tokens }, ...path }: Path): [whole: Path, shards: number] {
  if (shard === undefined) throw new ShardsError('a path that is no shard');
  return [{ ...path, tokens: { ...tokens, key: shard.whole } }, shard.of];
}
