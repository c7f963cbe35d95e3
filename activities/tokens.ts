import type { ArtifactStore } from '../files/artifacts/index.js';
import type { TokensRef } from './types.js';

/** Returns the token ids of an artifact, `[samples * sequenceLength]`. @throws ArtifactLostError if it is gone or damaged */
export async function readTokens(store: ArtifactStore, tokens: TokensRef): Promise<Int32Array> {
  const bytes = await store.read('tokens', tokens.key, 'tokens.i32');
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
