import type { ArtifactKind, Manifest, StoredArtifact } from './artifact.js';
import type { Shelf } from './shelf.js';

/** Kinds whose keys no run's history names, because they are found by what they depend on. All others are named. */
const namedByInputs: readonly ArtifactKind[] = ['scores', 'gradient', 'sums', 'hidden', 'perplexity', 'likelihoods'];

/**
 * The artifacts of a shelf that nothing has used since.
 * @param before milliseconds since the epoch, by the shelf's clock
 */
export async function unusedSince(shelf: Shelf, before: number): Promise<StoredArtifact[]> {
  const unused: StoredArtifact[] = [];
  for await (const artifact of shelf.list()) if (artifact.usedAt < before) unused.push(artifact);
  return unused;
}

/**
 * Those of the artifacts that no run in progress refers to.
 * @param live keys that the histories of runs in progress name
 */
export async function unreferenced(shelf: Shelf, artifacts: readonly StoredArtifact[], live: ReadonlySet<string>): Promise<StoredArtifact[]> {
  const free: StoredArtifact[] = [];
  for (const artifact of artifacts) {
    if (live.has(artifact.key)) continue;
    if (namedByInputs.includes(artifact.kind) && dependsOnOne(await shelf.find(artifact.kind, artifact.key), live)) continue;
    free.push(artifact);
  }
  return free;
}

/**
 * Drops artifacts that no run uses. Runs may begin, and find some of them, all the while: which are referred to is asked again and again, and
 * what has been used since is kept.
 *
 * @param live keys that the histories of runs in progress name, as they are now
 * @returns what was dropped
 */
export async function dropUnused(shelf: Shelf, artifacts: readonly StoredArtifact[], before: number, live: () => Promise<ReadonlySet<string>>): Promise<StoredArtifact[]> {
  const dropped: StoredArtifact[] = [];
  for (const artifact of artifacts) {
    const [free] = await unreferenced(shelf, [artifact], await live());
    if (free !== undefined && (await shelf.dropUnused(free.kind, free.key, before))) dropped.push(free);
  }
  return dropped;
}

function dependsOnOne(manifest: Manifest | undefined, live: ReadonlySet<string>): boolean {
  return keysIn(JSON.stringify(manifest?.dependsOn ?? null)).some((key) => live.has(key));
}

/** All that could be keys of artifacts in a text. */
export function keysIn(text: string): string[] {
  return text.match(/\b[0-9a-f]{64}\b/g) ?? [];
}
