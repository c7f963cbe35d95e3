import type { ArtifactKind, ArtifactStore } from '../../files/artifacts/index.js';
import type { ArtifactKey } from '../types.js';

/** Local copies of short-lived artifacts that another machine removes from the bucket after use: sums, and masks of an unfinished layer. */
export class TemporaryCopies {
  private readonly kinds = new Map<ArtifactKey, ArtifactKind>();

  /** Remembers an artifact that this machine has written or read. */
  note(kind: ArtifactKind, key: ArtifactKey): void {
    this.kinds.set(key, kind);
  }

  /** Removes the copies of artifacts that are no longer in the bucket. */
  async sweep(store: ArtifactStore): Promise<void> {
    for (const [key, kind] of this.kinds) if (await store.dropCopy(kind, key)) this.kinds.delete(key);
  }
}
