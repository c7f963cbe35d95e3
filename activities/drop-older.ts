import type { ArtifactKind, ArtifactStore } from '../files/artifacts/index.js';
import type { ArtifactKey, RunContext } from './types.js';

/**
 * Removes an artifact that is older than `notBefore`, for a stage that a retry recomputes. Artifacts of the retry itself stay,
 * so that it continues where it was if it is interrupted.
 */
export async function dropOlder({ notBefore }: RunContext, store: ArtifactStore, kind: ArtifactKind, key: ArtifactKey): Promise<void> {
  if (notBefore === undefined) return;
  const manifest = await store.find(kind, key);
  if (manifest !== undefined && Date.parse(manifest.madeAt) < Date.parse(notBefore)) await store.drop(kind, key);
}
