import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Claims } from './claims.js';
import { digestOf, type Json } from './digest.js';
import { syncFolder, writeFileDurably } from './durable-file.js';
import { ArtifactLostError } from './errors.js';

/**
 * What an artifact is: the windows of tokens, scores of a layer's linears, the loss's gradient between layers, one layer's
 * masks, hidden states between layers, a perplexity.
 */
export type ArtifactKind = 'tokens' | 'scores' | 'gradient' | 'mask' | 'hidden' | 'perplexity';

/** Written beside every artifact: how it came about, and how its bytes are known again. */
export interface Manifest {
  kind: ArtifactKind;
  key: string;
  /** Everything the artifact depends on; its digest is the key. */
  dependsOn: Json;
  files: Record<string, { bytes: number; sha256: string }>;
  /** Small numbers about the artifact, returned again when it is found instead of made. */
  summary: Json;
  /** Seconds of work that making it took. */
  seconds: number;
  madeAt: string;
}

/** Collects the files of an artifact while it is being made. */
export interface ArtifactDraft {
  write(name: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>;
}

const manifestName = 'manifest.json';
const dayInMilliseconds = 24 * 3600 * 1000;

/**
 * Content-addressed store in a local folder. An artifact is a folder `kind/ab/abcd.../` that appears by one rename,
 * complete and synced, and is never changed. Several processes may use one store: while one makes an artifact, others that
 * need it wait; and should two make it all the same, whoever renames second keeps the first.
 */
export class ArtifactStore {
  private readonly claims: Claims;

  constructor(readonly root: string) {
    this.claims = new Claims(join(root, 'claims'));
  }

  /** The key of an artifact of `kind` that depends on `dependsOn`. */
  static key(kind: ArtifactKind, dependsOn: Json): string {
    return digestOf({ kind, dependsOn });
  }

  private folder(kind: ArtifactKind, key: string): string {
    return join(this.root, kind, key.slice(0, 2), key);
  }

  /** The manifest of an artifact, or undefined if it has not been made or its files are not all there. */
  async find(kind: ArtifactKind, key: string): Promise<Manifest | undefined> {
    const folder = this.folder(kind, key);
    let manifest: Manifest;
    try {
      manifest = JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as Manifest;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw error;
      await this.moveAside(kind, key);
      return undefined;
    }
    for (const [name, { bytes }] of Object.entries(manifest.files)) {
      const found = await stat(join(folder, name)).catch(() => undefined);
      if (found?.size !== bytes) {
        await this.moveAside(kind, key);
        return undefined;
      }
    }
    return manifest;
  }

  /**
   * Finds an artifact or makes it. `make` writes its files through the draft and returns the summary.
   * Nothing is visible under the key before everything is on disk. Where another process is making it, that is waited for,
   * and its work taken over should it die. (Nobody waits for hidden states: they belong to one run.)
   */
  async findOrMake(
    kind: ArtifactKind,
    dependsOn: Json,
    make: (draft: ArtifactDraft) => Promise<Json>,
  ): Promise<{ manifest: Manifest; reused: boolean }> {
    const key = ArtifactStore.key(kind, dependsOn);
    const find = async (): Promise<{ manifest: Manifest; reused: boolean } | undefined> => {
      const manifest = await this.find(kind, key);
      if (manifest === undefined) return undefined;
      await this.log('found', kind, key, manifest.summary);
      return { manifest, reused: true };
    };
    const makeNow = async (): Promise<{ manifest: Manifest; reused: boolean }> => ({ manifest: await this.make(kind, key, dependsOn, make), reused: false });
    if (kind === 'hidden') return (await find()) ?? (await makeNow());
    return await this.claims.findOrMake(`${kind}-${key}`, find, makeNow);
  }

  private async make(kind: ArtifactKind, key: string, dependsOn: Json, make: (draft: ArtifactDraft) => Promise<Json>): Promise<Manifest> {
    const started = performance.now();
    const draftFolder = join(this.root, 'drafts', `${key}-${randomUUID()}`);
    await mkdir(draftFolder, { recursive: true });
    try {
      const files: Manifest['files'] = {};
      const summary = await make({
        write: async (name, chunks) => {
          files[name] = await writeFileDurably(join(draftFolder, name), chunks);
        },
      });
      const seconds = (performance.now() - started) / 1000;
      const manifest: Manifest = { kind, key, dependsOn, files, summary, seconds, madeAt: new Date().toISOString() };
      await writeFileDurably(join(draftFolder, manifestName), [Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`)]);
      const isFirst = await this.publish(draftFolder, this.folder(kind, key));
      await this.log(isFirst ? 'made' : 'found', kind, key, summary);
      return manifest;
    } finally {
      await rm(draftFolder, { recursive: true, force: true });
    }
  }

  /** @returns whether nobody else had published the same artifact meanwhile */
  private async publish(draftFolder: string, folder: string): Promise<boolean> {
    await mkdir(dirname(folder), { recursive: true });
    let isFirst = true;
    try {
      await rename(draftFolder, folder);
    } catch (error) {
      // Equal keys mean equal bytes, so either will do.
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      isFirst = false;
    }
    await syncFolder(dirname(folder));
    return isFirst;
  }

  /**
   * Reads a file of an artifact in pieces of the given sizes and checks its digest at the end.
   * @throws ArtifactLostError if it is missing or damaged; a damaged artifact is moved aside first.
   */
  async *readPieces(kind: ArtifactKind, key: string, name: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
    const manifest = await this.find(kind, key);
    const expected = manifest?.files[name];
    if (expected === undefined) throw new ArtifactLostError(kind, key, `file ${name} is missing`);
    const file = await open(join(this.folder(kind, key), name));
    try {
      const hash = createHash('sha256');
      for (const size of sizes) {
        const piece = new Uint8Array(size);
        let filled = 0;
        while (filled < size) {
          const { bytesRead } = await file.read(piece, filled, size - filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        hash.update(piece.subarray(0, filled));
        if (filled < size) break;
        yield piece;
      }
      if (hash.digest('hex') !== expected.sha256) {
        await this.moveAside(kind, key);
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

  /** Removes an artifact that is no longer needed; it can be made again from its inputs. */
  async drop(kind: ArtifactKind, key: string): Promise<void> {
    await rm(this.folder(kind, key), { recursive: true, force: true });
  }

  /** Removes what makers that were killed left behind. Only what is older than a day: a younger draft may still be in the making. */
  async removeOldDrafts(): Promise<void> {
    const drafts = join(this.root, 'drafts');
    const now = await this.clock().catch(() => -Infinity);
    await this.claims.removeOld(now - dayInMilliseconds);
    for (const name of await readdir(drafts).catch(() => [])) {
      const draft = await stat(join(drafts, name)).catch(() => undefined);
      if (draft !== undefined && now - draft.mtimeMs > dayInMilliseconds) await rm(join(drafts, name), { recursive: true, force: true });
    }
  }

  /** Milliseconds since the epoch by the store's own clock: by this machine's, which may be wrong, others' drafts could go. @throws where the store cannot be written */
  private async clock(): Promise<number> {
    const file = join(this.root, 'clock');
    await mkdir(this.root, { recursive: true });
    await writeFile(file, '');
    return (await stat(file)).mtimeMs;
  }

  private async moveAside(kind: ArtifactKind, key: string): Promise<void> {
    const grave = join(this.root, 'damaged', `${kind}-${key}-${randomUUID()}`);
    await mkdir(dirname(grave), { recursive: true });
    await rename(this.folder(kind, key), grave).catch(() => undefined);
    await this.log('damaged', kind, key, null);
  }

  /** One JSON line per event, so that it can be seen afterwards what was made and what was found. */
  private async log(event: 'made' | 'found' | 'damaged', kind: ArtifactKind, key: string, summary: Json): Promise<void> {
    await mkdir(this.root, { recursive: true });
    await appendFile(join(this.root, 'log.jsonl'), `${JSON.stringify({ at: new Date().toISOString(), event, kind, key, summary })}\n`);
  }
}
