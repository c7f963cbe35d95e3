import type { ArtifactKind, ArtifactStore } from '../files/artifacts/index.js';
import type { ArtifactKey, RunContext } from './types.js';

/**
 * In a stage that a retry recomputes: removes an artifact from before the retry. What the retry
 * itself has made stays, so that it continues where it was when it is interrupted.
 */
export async function dropOlder({ notBefore }: RunContext, store: ArtifactStore, kind: ArtifactKind, key: ArtifactKey): Promise<void> {
  if (notBefore === undefined) return;
  const manifest = await store.find(kind, key);
  if (manifest !== undefined && Date.parse(manifest.madeAt) < Date.parse(notBefore)) await store.drop(kind, key);
}
