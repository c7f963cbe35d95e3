import type { ArtifactDraft, ArtifactStore } from '../files/artifacts/index.js';
import type { TokensRef } from './types.js';

const tokensFile = 'tokens.i32';

/** Writes token ids, `[samples * sequenceLength]`, into an artifact. */
export async function writeTokens(draft: ArtifactDraft, { buffer, byteOffset, byteLength }: Int32Array): Promise<void> {
  await draft.write(tokensFile, [new Uint8Array(buffer, byteOffset, byteLength)]);
}

/** Returns the token ids of an artifact, `[samples * sequenceLength]`. @throws ArtifactLostError if it is gone or damaged */
export async function readTokens(store: ArtifactStore, tokens: TokensRef): Promise<Int32Array> {
  const bytes = await store.read('tokens', tokens.key, tokensFile);
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
