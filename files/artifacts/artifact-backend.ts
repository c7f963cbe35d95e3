import type { ArtifactKind, Manifest, StoredArtifact } from './artifact.js';
import type { ClaimPlace } from './claims.js';

/** Small texts, one for each workflow id. A write replaces the previous text. */
export interface RunRecords {
  read(workflowId: string): Promise<string | undefined>;
  write(workflowId: string, text: string): Promise<void>;
  remove(workflowId: string): Promise<void>;
  /** All workflow ids. */
  list(): AsyncGenerator<string>;
}

/**
 * A place that keeps artifacts: a folder or a bucket. Any number of processes may use it at once.
 * All methods throw the system's errors or the bucket's faults.
 */
export interface ArtifactBackend {
  /** The place, for messages. */
  readonly name: string;
  readonly claims: ClaimPlace;
  /** The same for all processes that share the place, whatever path they use. Created at the first call and stored in the place. */
  identity(): Promise<string>;
  find(kind: ArtifactKind, key: string): Promise<Manifest | undefined>;
  /** Records that an artifact is in use, so that it does not count as old. @returns false if the artifact is gone */
  touch(manifest: Manifest): Promise<boolean>;
  list(): AsyncGenerator<StoredArtifact>;
  /**
   * Reads a file of an artifact without checking it; undefined if it is not there.
   * @param from offset of the first byte to read; less than the file's size
   */
  open(kind: ArtifactKind, key: string, name: string, from: number): Promise<AsyncIterable<Uint8Array> | undefined>;
  /**
   * Stores files from elsewhere as an artifact. Does nothing if the artifact is already there.
   * @param fileOf returns the current path of a file; the file must not be changed in place later
   */
  put(manifest: Manifest, fileOf: (name: string) => string): Promise<void>;
  /** The store's records of finished runs (kept-run.ts). */
  readonly runs: RunRecords;
  /** Reads all of an artifact and compares it with its digests. An artifact that differs is removed. @returns whether it is intact */
  verify(kind: ArtifactKind, key: string): Promise<boolean>;
  drop(kind: ArtifactKind, key: string): Promise<void>;
  /**
   * Drops an artifact unless it has been used since. The time of last use is checked as late as the place allows.
   * @param before milliseconds, by {@link clock}
   * @returns whether it was dropped
   */
  dropUnused(kind: ArtifactKind, key: string, before: number): Promise<boolean>;
  /** Removes older claims, drafts, uploads and damaged artifacts. @param before milliseconds, by {@link clock} */
  removeLeftovers(before: number): Promise<void>;
  /** Milliseconds since the epoch by the place's own clock, because this machine's may be wrong. @throws if the place cannot be written */
  clock(): Promise<number>;
}
