import type { ArtifactKind, Manifest, StoredArtifact } from './artifact.js';
import type { ClaimPlace } from './claims.js';

/** Small texts by the workflow ids of runs. The last one that was written for an id counts. */
export interface RunShelf {
  read(workflowId: string): Promise<string | undefined>;
  write(workflowId: string, text: string): Promise<void>;
  remove(workflowId: string): Promise<void>;
  /** All workflow ids. */
  list(): AsyncGenerator<string>;
}

/**
 * A place that keeps artifacts: a folder or a bucket. Any number of processes may use it at once.
 * All methods throw the system's errors, or the bucket's faults.
 */
export interface Shelf {
  /** For people. */
  readonly name: string;
  readonly claims: ClaimPlace;
  /** The same for all who share the place, however they reach it. Made when it is first asked for, and kept there. */
  identity(): Promise<string>;
  find(kind: ArtifactKind, key: string): Promise<Manifest | undefined>;
  /** Notes that an artifact is in use, so that it does not count as old. @returns false if it is not there any more */
  touch(manifest: Manifest): Promise<boolean>;
  list(): AsyncGenerator<StoredArtifact>;
  /**
   * The bytes of a file of an artifact, unchecked; undefined if it is not there.
   * @param from the first byte that is wanted; less than the file's size
   */
  open(kind: ArtifactKind, key: string, name: string, from: number): Promise<AsyncIterable<Uint8Array> | undefined>;
  /**
   * Puts files that lie elsewhere into the place, as an artifact. What is there already is left alone.
   * @param fileOf where the file of a name is now; it must not be changed in place later
   */
  put(manifest: Manifest, fileOf: (name: string) => string): Promise<void>;
  /** What the store remembers of finished runs (kept-run.ts). */
  readonly runs: RunShelf;
  /** Reads an artifact whole and compares it with its digests. What does not match is removed from its place. */
  verify(kind: ArtifactKind, key: string): Promise<boolean>;
  drop(kind: ArtifactKind, key: string): Promise<void>;
  /**
   * Drops an artifact unless it is in use again: its time of use is looked at as late as the place allows.
   * @param before as {@link clock} tells time
   * @returns whether it was dropped
   */
  dropUnused(kind: ArtifactKind, key: string, before: number): Promise<boolean>;
  /** Removes claims, drafts, uploads and damaged artifacts that are older. @param before as {@link clock} tells time */
  removeLeftovers(before: number): Promise<void>;
  /** Milliseconds since the epoch by the place's own clock: this machine's may be wrong. @throws if the place cannot be written */
  clock(): Promise<number>;
}
