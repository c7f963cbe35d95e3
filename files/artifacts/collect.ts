import type { ArtifactKind, Manifest, StoredArtifact } from './artifact.js';
import type { ArtifactBackend } from './artifact-backend.js';

/** Kinds that are found by their inputs, so that no run's history contains their keys. It contains the keys of all other kinds. */
const namedByInputs: readonly ArtifactKind[] = ['scores', 'gradient', 'sums', 'hidden', 'perplexity', 'likelihoods'];

/**
 * The artifacts of a backend that were last used before a given time.
 * @param before milliseconds since the epoch, by the backend's clock
 */
export async function unusedSince(backend: ArtifactBackend, before: number): Promise<StoredArtifact[]> {
  const unused: StoredArtifact[] = [];
  for await (const artifact of backend.list()) if (artifact.usedAt < before) unused.push(artifact);
  return unused;
}

/**
 * The artifacts, out of those given, that no run in progress refers to.
 * @param live keys in the histories of runs in progress
 */
export async function unreferenced(backend: ArtifactBackend, artifacts: readonly StoredArtifact[], live: ReadonlySet<string>): Promise<StoredArtifact[]> {
  const free: StoredArtifact[] = [];
  for (const artifact of artifacts) {
    if (live.has(artifact.key)) continue;
    if (namedByInputs.includes(artifact.kind) && dependsOnOne(await backend.find(artifact.kind, artifact.key), live)) continue;
    free.push(artifact);
  }
  return free;
}

/**
 * Drops artifacts that no run uses. A run may start meanwhile and find some of them, so `live` is called again for every artifact, and
 * an artifact that was used since `before` is kept.
 *
 * @param live returns the keys in the histories of the runs in progress at the moment
 * @returns the dropped artifacts
 */
export async function dropUnused(backend: ArtifactBackend, artifacts: readonly StoredArtifact[], before: number, live: () => Promise<ReadonlySet<string>>): Promise<StoredArtifact[]> {
  const dropped: StoredArtifact[] = [];
  for (const artifact of artifacts) {
    const [free] = await unreferenced(backend, [artifact], await live());
    if (free !== undefined && (await backend.dropUnused(free.kind, free.key, before))) dropped.push(free);
  }
  return dropped;
}

function dependsOnOne(manifest: Manifest | undefined, live: ReadonlySet<string>): boolean {
  return keysIn(JSON.stringify(manifest?.dependsOn ?? null)).some((key) => live.has(key));
}

/** Everything in a text that could be the key of an artifact. */
export function keysIn(text: string): string[] {
  return text.match(/\b[0-9a-f]{64}\b/g) ?? [];
}
