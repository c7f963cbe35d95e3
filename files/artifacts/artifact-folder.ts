import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { artifactAt, manifestName, manifestText, parseManifest, placeOf, type ArtifactKind, type Manifest, type StoredArtifact } from './artifact.js';
import { ClaimFolder } from './claim-folder.js';
import { syncFolder, writeFileDurably } from './durable-file.js';
import { RunRecordFolder } from './run-records.js';
import type { ArtifactBackend } from './artifact-backend.js';

const identityName = 'store-id';

/** Artifacts in a local folder. Each is a folder `kind/ab/abcd.../` that one rename creates, complete and synced. It never changes. */
export class ArtifactFolder implements ArtifactBackend {
  readonly claims: ClaimFolder;
  readonly runs: RunRecordFolder;

  /** @param onDamaged called after an incomplete or damaged artifact was moved aside */
  constructor(
    readonly root: string,
    private readonly onDamaged: (kind: ArtifactKind, key: string) => Promise<void>,
  ) {
    this.claims = new ClaimFolder(join(root, 'claims'));
    this.runs = new RunRecordFolder(join(root, 'runs'));
  }

  get name(): string {
    return this.root;
  }

  /** The folder of an artifact. */
  folder(kind: ArtifactKind, key: string): string {
    return join(this.root, placeOf(kind, key));
  }

  async identity(): Promise<string> {
    const file = join(this.root, identityName);
    const known = await readFile(file, 'utf8').catch(absent);
    if (known !== undefined) return known.trim();
    const draft = join(await this.newDraft(), identityName);
    await writeFileDurably(draft, [Buffer.from(`${randomUUID()}\n`)]);
    try {
      // Unlike a rename, a link does not replace the identity that another process wrote first.
      await link(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(dirname(draft), { recursive: true, force: true });
    }
    return (await readFile(file, 'utf8')).trim();
  }

  /** Returns the manifest of an artifact, or undefined if there is none. An incomplete artifact is moved aside and counts as absent. */
  async find(kind: ArtifactKind, key: string): Promise<Manifest | undefined> {
    const folder = this.folder(kind, key);
    const text = await readFile(join(folder, manifestName), 'utf8').catch(absent);
    if (text === undefined) return undefined;
    const manifest = parseManifest(text);
    if (manifest !== undefined && (await hasItsSizes(folder, manifest))) return manifest;
    // An artifact that was dropped meanwhile is gone, not damaged.
    if ((await stat(join(folder, manifestName)).catch(absent)) !== undefined) await this.quarantine(kind, key);
    return undefined;
  }

  async touch({ kind, key }: Manifest): Promise<boolean> {
    const now = new Date(await this.clock());
    const touched = await utimes(join(this.folder(kind, key), manifestName), now, now).then(() => true, absent);
    return touched ?? false;
  }

  /** Creates an empty folder in which an artifact can be assembled. */
  async newDraft(): Promise<string> {
    const draft = join(this.root, 'drafts', randomUUID());
    await mkdir(draft, { recursive: true });
    return draft;
  }

  /**
   * Turns a complete draft into the artifact.
   * @returns false if another process has published the same artifact meanwhile; that one stays
   */
  async publish(draft: string, kind: ArtifactKind, key: string): Promise<boolean> {
    const folder = this.folder(kind, key);
    await mkdir(dirname(folder), { recursive: true });
    let isFirst = true;
    try {
      await rename(draft, folder);
    } catch (error) {
      // Equal keys mean equal bytes, so either copy will do.
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      isFirst = false;
    }
    await syncFolder(dirname(folder));
    return isFirst;
  }

  async *list(): AsyncGenerator<StoredArtifact> {
    for (const entry of await readdir(this.root, { recursive: true }).catch(() => [])) {
      const place = dirname(entry);
      const found = entry.endsWith(manifestName) ? artifactAt(place) : undefined;
      if (found === undefined) continue;
      const files = await readdir(join(this.root, place)).catch(() => []);
      const stats = await Promise.all(files.map((name) => stat(join(this.root, place, name)).catch(() => undefined)));
      const usedAt = (await stat(join(this.root, entry)).catch(() => undefined))?.mtimeMs;
      // If undefined, the artifact was removed meanwhile.
      if (usedAt !== undefined) yield { ...found, bytes: stats.reduce((sum, file) => sum + (file?.size ?? 0), 0), usedAt };
    }
  }

  async open(kind: ArtifactKind, key: string, name: string, from: number): Promise<AsyncIterable<Uint8Array> | undefined> {
    const file = await open(join(this.folder(kind, key), name)).catch(absent);
    return file?.createReadStream({ start: from }) as AsyncIterable<Uint8Array> | undefined;
  }

  /** Links the files if the disk allows it, so that a checkpoint does not use its space twice. */
  async put(manifest: Manifest, fileOf: (name: string) => string): Promise<void> {
    const draft = await this.newDraft();
    try {
      for (const name of Object.keys(manifest.files)) await linkOrCopy(fileOf(name), join(draft, name));
      await writeFileDurably(join(draft, manifestName), [Buffer.from(manifestText(manifest))]);
      await this.publish(draft, manifest.kind, manifest.key);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  async verify(kind: ArtifactKind, key: string): Promise<boolean> {
    const manifest = await this.find(kind, key);
    if (manifest === undefined) return false;
    for (const [name, { sha256 }] of Object.entries(manifest.files)) {
      const hash = createHash('sha256');
      const file = await open(join(this.folder(kind, key), name)).catch(absent);
      if (file === undefined) return (await this.find(kind, key)) !== undefined;
      try {
        for await (const piece of file.createReadStream()) hash.update(piece as Buffer);
      } finally {
        await file.close();
      }
      if (hash.digest('hex') === sha256) continue;
      await this.quarantine(kind, key);
      return false;
    }
    return true;
  }

  async drop(kind: ArtifactKind, key: string): Promise<void> {
    const taken = await this.takeOut(kind, key, 'drafts');
    if (taken !== undefined) await rm(taken, { recursive: true, force: true });
  }

  async dropUnused(kind: ArtifactKind, key: string, before: number): Promise<boolean> {
    const usedAt = async (folder: string): Promise<number | undefined> => (await stat(join(folder, manifestName)).catch(absent))?.mtimeMs;
    if (((await usedAt(this.folder(kind, key))) ?? Infinity) >= before) return false;
    const taken = await this.takeOut(kind, key, 'drafts');
    if (taken === undefined) return false;
    // No process can record a use any more, so this check is final.
    if (((await usedAt(taken)) ?? -Infinity) >= before) {
      await this.publish(taken, kind, key);
      await rm(taken, { recursive: true, force: true });
      return false;
    }
    await rm(taken, { recursive: true, force: true });
    return true;
  }

  async quarantine(kind: ArtifactKind, key: string): Promise<void> {
    try {
      if ((await this.takeOut(kind, key, 'damaged')) === undefined) return;
    } catch {
      // On a read-only disk, the artifact stays in its place.
    }
    await this.onDamaged(kind, key);
  }

  /** Moves an artifact away in one step: others see all of it or nothing. @returns its new path; undefined if it was not there */
  private async takeOut(kind: ArtifactKind, key: string, into: 'drafts' | 'damaged'): Promise<string | undefined> {
    const place = join(this.root, into, `${kind}-${key}-${randomUUID()}`);
    await mkdir(dirname(place), { recursive: true });
    try {
      await rename(this.folder(kind, key), place);
    } catch (error) {
      return absent(error as NodeJS.ErrnoException);
    }
    return place;
  }

  async removeLeftovers(before: number): Promise<void> {
    await this.removeDrafts(before);
    await removeOlder(join(this.root, 'damaged'), before);
  }

  /** Removes old claims, and the drafts of killed processes. */
  async removeDrafts(before: number): Promise<void> {
    await this.claims.removeOld(before);
    await removeOlder(join(this.root, 'drafts'), before);
  }

  async clock(): Promise<number> {
    const file = join(this.root, 'clock');
    await mkdir(this.root, { recursive: true });
    await writeFile(file, '');
    return (await stat(file)).mtimeMs;
  }
}

async function hasItsSizes(folder: string, { files }: Manifest): Promise<boolean> {
  for (const [name, { bytes }] of Object.entries(files)) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.size !== bytes) return false;
  }
  return true;
}

/** A link shares its content with the file. This is safe because our files are replaced, never changed in place. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK') throw error;
    await writeFileDurably(to, createReadStream(from) as AsyncIterable<Uint8Array>);
  }
}

async function removeOlder(folder: string, before: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && found.mtimeMs < before) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
