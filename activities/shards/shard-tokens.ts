import { ArtifactStore } from '../../files/artifacts/index.js';
import { dropOlder } from '../drop-older.js';
import { readTokens, writeTokens } from '../tokens.js';
import type { RunContext, TokensRef } from '../types.js';
import type { Workbench } from '../workbench.js';

/**
 * Divides windows into shards: shard s of n gets windows s, s + n, s + 2n and so on. So each shard has the same share of every run of
 * neighbouring windows, such as a fold of a guarded rebuild. Each shard gets its own tokens artifact. Paths are identified by their tokens,
 * so each shard also gets its own hidden states.
 *
 * @param count at most the number of windows
 */
export async function divideTokens(context: RunContext, whole: TokensRef, count: number, { store }: Workbench): Promise<TokensRef[]> {
  const { samples, sequenceLength, key } = whole;
  const shards: TokensRef[] = [];
  for (let shard = 0; shard < count; shard++) {
    const windows = Array.from({ length: Math.ceil((samples - shard) / count) }, (_, index) => shard + index * count);
    const dependsOn = { windowsOf: key, first: shard, step: count };
    const own = ArtifactStore.key('tokens', dependsOn);
    await dropOlder(context, store, 'tokens', own);
    await store.findOrMake('tokens', dependsOn, async (draft) => {
      const all = await readTokens(store, whole);
      const tokens = new Int32Array(windows.length * sequenceLength);
      for (const [index, window] of windows.entries()) tokens.set(all.subarray(window * sequenceLength, (window + 1) * sequenceLength), index * sequenceLength);
      await writeTokens(draft, tokens);
      return { samples: windows.length, sequenceLength };
    });
    shards.push({ key: own, samples: windows.length, sequenceLength, shard: { whole: key, of: count, first: shard, total: samples } });
  }
  return shards;
}
