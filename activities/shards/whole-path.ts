import { ArtifactLostError } from '../../files/artifacts/index.js';
import type { ShardWindows } from '../../science/methods/index.js';
import type { KeyedPath, Path, TokensRef } from '../types.js';
import { ShardsError } from './errors.js';

/** Returns the path of all windows that a shard's path belongs to, and the number of shards. @throws ShardsError if the path is not a shard's */
export function wholePath(path: Path): [whole: KeyedPath, shards: number] {
  const { whole, of } = shardOf(path);
  return [{ tokens: { key: whole }, masks: path.masks }, of];
}

/** Returns which windows a shard has. @throws ShardsError if the path is not a shard's */
export function ownWindows(path: Path): ShardWindows {
  const { first, of, total } = shardOf(path);
  return { first, step: of, total };
}

/** @throws ArtifactLostError if an earlier version has divided the windows, so that the run divides them again */
function shardOf({ tokens: { key, shard } }: Path): NonNullable<TokensRef['shard']> {
  if (shard === undefined) throw new ShardsError('a path that does not belong to a shard');
  const { first }: { first?: number } = shard;
  if (first === undefined) throw new ArtifactLostError('tokens', key, 'an earlier version divided the windows in another way');
  return shard;
}
