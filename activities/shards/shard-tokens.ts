import { ArtifactStore } from '../../files/artifacts/index.js';
import { dropOlder } from '../drop-older.js';
import { readTokens, writeTokens } from '../tokens.js';
import type { RunContext, TokensRef } from '../types.js';
import type { Workbench } from '../workbench.js';

/**
 * Divides windows into shards of consecutive windows, with sizes that differ by at most one. Each shard gets its own tokens artifact.
 * Paths are identified by their tokens, so each shard also gets its own hidden states.
 *
 * @param count at most the number of windows
 */
export async function divideTokens(context: RunContext, whole: TokensRef, count: number, { store }: Workbench): Promise<TokensRef[]> {
  const { samples, sequenceLength, key } = whole;
  const shards: TokensRef[] = [];
  for (let shard = 0; shard < count; shard++) {
    const [from, to] = [shard, shard + 1].map((edge) => Math.floor((edge * samples) / count));
    const dependsOn = { windowsOf: key, from, to };
    const own = ArtifactStore.key('tokens', dependsOn);
    await dropOlder(context, store, 'tokens', own);
    await store.findOrMake('tokens', dependsOn, async (draft) => {
      await writeTokens(draft, (await readTokens(store, whole)).subarray(from * sequenceLength, to * sequenceLength));
      return { samples: to - from, sequenceLength };
    });
    shards.push({ key: own, samples: to - from, sequenceLength, shard: { whole: key, of: count, range: { before: from, total: samples } } });
  }
  return shards;
}
