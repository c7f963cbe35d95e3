import type { WindowRange } from '../../science/methods/index.js';
import type { KeyedPath, Path, TokensRef } from '../types.js';
import { ShardsError } from './errors.js';

/** Returns the path of all windows that a shard's path belongs to, and the number of shards. @throws ShardsError if the path is not a shard's */
export function wholePath(path: Path): [whole: KeyedPath, shards: number] {
  const { whole, of } = shardOf(path);
  return [{ tokens: { key: whole }, masks: path.masks }, of];
}

/** Returns which windows a shard has. @throws ShardsError if the path is not a shard's */
export function rangeOf(path: Path): WindowRange {
  return shardOf(path).range;
}

function shardOf({ tokens: { shard } }: Path): NonNullable<TokensRef['shard']> {
  if (shard === undefined) throw new ShardsError('a path that is no shard');
  return shard;
}
