import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArtifactFolder } from './artifact-folder.js';
import { manifestName, manifestText, type ArtifactKind, type Manifest } from './artifact.js';
import { ArtifactBucket } from './artifact-bucket.js';
import type { Bucket } from './bucket.js';
import { Claims } from './claims.js';
import { digestOf, type Json } from './digest.js';
import { writeFileDurably } from './durable-file.js';
import { ArtifactLostError } from './errors.js';
import { EventLog } from './event-log.js';
import { readPiece } from './read-piece.js';
import type { ArtifactBackend } from './artifact-backend.js';
import { writeFileInThread } from './write-in-thread.js';

/** Collects the files of an artifact while it is being made. */
export interface ArtifactDraft {
  /** @param where `in a thread`: another thread takes over the memory of the chunks, and hashes and writes while the caller continues */
  write(name: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, where?: 'here' | 'in a thread'): Promise<void>;
}

const dayInMilliseconds = 24 * 3600 * 1000;

/**
 * Content-addressed store: a local folder, or, for workers on several machines, a bucket with a local folder as its cache.
 * Several processes may share one store: while one makes an artifact, others that need it wait. If two make it nevertheless,
 * the first one published stays.
 *
 * With a bucket, an artifact counts as made once it is in the bucket. It is always read from the folder; when this machine first
 * needs it, it is downloaded and checked against its digests. Hidden states never leave the folder: they are large, serve one
 * layer, and another worker can recompute them from the masks.
 */
export class ArtifactStore {
  private readonly folder: ArtifactFolder;
  private readonly claims: Claims;
  /** The place that all processes with this store share. */
  readonly backend: ArtifactBackend;
  /** All places where the store keeps artifacts, the shared one first. */
  readonly backends: readonly ArtifactBackend[];

  private readonly bucket: ArtifactBucket | undefined;
  /** Log of the artifacts made and found on this machine. */
  private readonly events: EventLog;

  constructor(
    readonly root: string,
    bucket?: Bucket,
  ) {
    this.events = new EventLog(join(root, 'log.jsonl'));
    const onDamaged = (kind: ArtifactKind, key: string): Promise<void> => this.log('damaged', kind, key, null);
    this.folder = new ArtifactFolder(root, onDamaged);
    this.bucket = bucket && new ArtifactBucket(bucket, onDamaged);
    this.backend = this.bucket ?? this.folder;
    this.backends = this.bucket === undefined ? [this.folder] : [this.bucket, this.folder];
    this.claims = new Claims(this.backend.claims);
  }

  /** The key of an artifact of `kind` that depends on `dependsOn`. */
  static key(kind: ArtifactKind, dependsOn: Json): string {
    return digestOf({ kind, dependsOn });
  }

  private bucketFor(kind: ArtifactKind): ArtifactBucket | undefined {
    return kind === 'hidden' ? undefined : this.bucket;
  }

  /** Returns the manifest of an artifact, or undefined if there is none or some of its files are missing. */
  async find(kind: ArtifactKind, key: string): Promise<Manifest | undefined> {
    return (await this.folder.find(kind, key)) ?? (await this.bucketFor(kind)?.find(kind, key));
  }

  /**
   * Finds an artifact or makes it. `make` writes its files through the draft and returns the summary.
   * Nothing is visible under the key before everything is on disk. If another process is making the artifact, waits for it, and
   * takes over if that process dies. (Hidden states are made without waiting, because they belong to one run.)
   * @throws what `make` throws, and the bucket's faults. If only the upload to the bucket fails, the artifact stays in the folder,
   * so that the next attempt only has to upload it
   */
  async findOrMake(
    kind: ArtifactKind,
    dependsOn: Json,
    make: (draft: ArtifactDraft) => Promise<Json>,
  ): Promise<{ manifest: Manifest; reused: boolean }> {
    const key = ArtifactStore.key(kind, dependsOn);
    const find = async (): Promise<{ manifest: Manifest; reused: boolean } | undefined> => {
      const manifest = await this.findForUse(kind, key);
      return manifest && { manifest, reused: true };
    };
    const makeNow = async (): Promise<{ manifest: Manifest; reused: boolean }> => ({ manifest: await this.make(kind, key, dependsOn, make), reused: false });
    if (kind === 'hidden') return (await find()) ?? (await makeNow());
    return await this.claims.findOrMake(`${kind}-${key}`, find, makeNow);
  }

  /** Like {@link find}, but uploads an artifact that only this machine has, and records the use of the artifact. */
  private async findForUse(kind: ArtifactKind, key: string): Promise<Manifest | undefined> {
    const bucket = this.bucketFor(kind);
    const here = await this.folder.find(kind, key);
    const shared = await bucket?.find(kind, key);
    if (here !== undefined && bucket !== undefined && shared === undefined) await bucket.upload(here, this.folder.folder(kind, key));
    const manifest = here ?? shared;
    if (manifest === undefined) return undefined;
    const isKept = (here === undefined || (await this.folder.touch(here))) && (shared === undefined || (await bucket?.touch(shared)));
    // `store gc` has just removed it.
    if (!isKept) return await this.findForUse(kind, key);
    await this.log('found', kind, key, manifest.summary);
    return manifest;
  }

  private async make(kind: ArtifactKind, key: string, dependsOn: Json, make: (draft: ArtifactDraft) => Promise<Json>): Promise<Manifest> {
    const started = performance.now();
    const draft = await this.folder.newDraft();
    try {
      const files: Manifest['files'] = {};
      const summary = await make({
        write: async (name, chunks, where = 'here') => {
          files[name] = await (where === 'here' ? writeFileDurably : writeFileInThread)(join(draft, name), chunks);
        },
      });
      const seconds = (performance.now() - started) / 1000;
      const manifest: Manifest = { kind, key, dependsOn, files, summary, seconds, madeAt: new Date().toISOString() };
      await writeFileDurably(join(draft, manifestName), [Buffer.from(manifestText(manifest))]);
      const isFirst = await this.folder.publish(draft, kind, key);
      await this.log(isFirst ? 'made' : 'found', kind, key, summary);
      await this.bucketFor(kind)?.upload(manifest, this.folder.folder(kind, key));
      return manifest;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  /** Like {@link find}, but makes sure that the files are in the folder: downloads them from the bucket if needed. */
  private async findFiles(kind: ArtifactKind, key: string): Promise<Manifest | undefined> {
    const here = await this.folder.find(kind, key);
    const bucket = this.bucketFor(kind);
    if (here !== undefined || bucket === undefined) return here;
    const shared = await bucket.find(kind, key);
    if (shared === undefined) return undefined;
    const draft = await this.folder.newDraft();
    try {
      await bucket.download(shared, draft);
      await this.folder.publish(draft, kind, key);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return shared;
  }

  /**
   * Reads a file of an artifact in pieces of the given sizes and checks its digest at the end.
   * @throws ArtifactLostError if it is missing or damaged; a damaged artifact is moved aside first.
   */
  async *readPieces(kind: ArtifactKind, key: string, name: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
    const manifest = await this.findFiles(kind, key);
    const expected = manifest?.files[name];
    if (expected === undefined) throw new ArtifactLostError(kind, key, `file ${name} is missing`);
    const file = await open(join(this.folder.folder(kind, key), name)).catch((error: NodeJS.ErrnoException) => {
      // It was dropped or moved aside since it was found.
      if (error.code === 'ENOENT') throw new ArtifactLostError(kind, key, `file ${name} is missing`);
      throw error;
    });
    try {
      const hash = createHash('sha256');
      for (const size of sizes) {
        const piece = new Uint8Array(size);
        const filled = await readPiece(file, piece, (bytes) => hash.update(bytes));
        if (filled < size) break;
        yield piece;
      }
      if (hash.digest('hex') !== expected.sha256) {
        await this.folder.quarantine(kind, key);
        throw new ArtifactLostError(kind, key, `file ${name} has changed since it was written (SHA-256 differs)`);
      }
    } finally {
      await file.close();
    }
  }

  /** Reads a whole small file of an artifact. @throws ArtifactLostError like {@link readPieces}. */
  async read(kind: ArtifactKind, key: string, name: string): Promise<Uint8Array> {
    const bytes = (await this.find(kind, key))?.files[name]?.bytes ?? 0;
    let whole: Uint8Array = new Uint8Array(0);
    for await (const piece of this.readPieces(kind, key, name, [bytes])) whole = piece;
    return whole;
  }

  /** Removes an artifact that is no longer needed; it can be recomputed from its inputs. */
  async drop(kind: ArtifactKind, key: string): Promise<void> {
    await this.bucketFor(kind)?.drop(kind, key);
    await this.folder.drop(kind, key);
  }

  /**
   * Removes this machine's copy of an artifact, if others have removed it from the bucket.
   * @returns whether the copy is gone; always true without a bucket, because then there are no copies
   */
  async dropCopy(kind: ArtifactKind, key: string): Promise<boolean> {
    const bucket = this.bucketFor(kind);
    if (bucket === undefined) return true;
    if ((await bucket.find(kind, key)) !== undefined) return false;
    await this.folder.drop(kind, key);
    return true;
  }

  /** Removes the drafts of killed processes from this machine, if they are older than a day: a younger draft may still be in use. */
  async removeOldDrafts(): Promise<void> {
    const now = await this.folder.clock().catch(() => -Infinity);
    await this.folder.removeDrafts(now - dayInMilliseconds);
  }

  /** Logs that something was computed a second time because it was not stored. */
  async noteRepeated(kind: ArtifactKind, key: string, summary: Json): Promise<void> {
    await this.log('repeated', kind, key, summary);
  }

  private async log(event: 'made' | 'found' | 'damaged' | 'repeated', kind: ArtifactKind, key: string, summary: Json): Promise<void> {
    await this.events.add({ at: new Date().toISOString(), event, kind, key, summary });
  }
}
