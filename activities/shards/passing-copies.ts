import type { ArtifactKind, ArtifactStore } from '../../files/artifacts/index.js';
import type { ArtifactKey } from '../types.js';

/** Copies that this machine has of what another one removes from the bucket once it has served: sums, and masks of a layer in the making. */
export class PassingCopies {
  private readonly kinds = new Map<ArtifactKey, ArtifactKind>();

  /** Remembers an artifact that this machine has written or read. */
  note(kind: ArtifactKind, key: ArtifactKey): void {
    this.kinds.set(key, kind);
  }

  /** Removes the copies of what is not in the bucket any more. */
  async sweep(store: ArtifactStore): Promise<void> {
    for (const [key, kind] of this.kinds) if (await store.dropCopy(kind, key)) this.kinds.delete(key);
  }
}
