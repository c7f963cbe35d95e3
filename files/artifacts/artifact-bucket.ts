import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { artifactAt, manifestName, manifestText, parseManifest, placeOf, type ArtifactKind, type Manifest, type StoredArtifact } from './artifact.js';
import type { Bucket } from './bucket.js';
import { BucketClaims } from './bucket-claims.js';
import { writeFileDurably } from './durable-file.js';
import { ArtifactLostError } from './errors.js';
import { RunRecordBucket } from './run-records.js';
import type { ArtifactBackend } from './artifact-backend.js';

const identityName = 'store-id';
/** The use of an artifact is recorded at most this often. It is shorter than the smallest age at which `store gc` drops an artifact. */
const touchMs = 5 * 60_000;

/**
 * Artifacts in a bucket. The files of an artifact are written first and its manifest last: without a manifest, the artifact does not exist.
 * Several processes may write the same artifact at once, because equal keys mean equal bytes.
 */
export class ArtifactBucket implements ArtifactBackend {
  readonly claims: BucketClaims;
  readonly runs: RunRecordBucket;

  /** @param onDamaged called after an incomplete or damaged artifact was removed */
  constructor(
    private readonly bucket: Bucket,
    private readonly onDamaged: (kind: ArtifactKind, key: string) => Promise<void>,
  ) {
    this.claims = new BucketClaims(bucket);
    this.runs = new RunRecordBucket(bucket);
  }

  get name(): string {
    return this.bucket.name;
  }

  async identity(): Promise<string> {
    const known = await this.bucket.text(identityName);
    if (known !== undefined) return known.text.trim();
    await this.bucket.put(identityName, `${randomUUID()}\n`, 'absent');
    // The first writer wins.
    return ((await this.bucket.text(identityName))?.text ?? '').trim();
  }

  async find(kind: ArtifactKind, key: string): Promise<Manifest | undefined> {
    const found = await this.bucket.text(`${placeOf(kind, key)}/${manifestName}`);
    if (found === undefined) return undefined;
    const manifest = parseManifest(found.text);
    if (manifest === undefined) await this.dropDamaged(kind, key);
    return manifest;
  }

  async touch(manifest: Manifest): Promise<boolean> {
    const name = `${placeOf(manifest.kind, manifest.key)}/${manifestName}`;
    const found = await this.bucket.head(name);
    if (found === undefined) return false;
    if ((await this.clock()) - found.changedAt <= touchMs) return true;
    // Only replace an existing manifest: a new one without files would claim that the artifact exists.
    if (await this.bucket.put(name, manifestText(manifest), { version: found.version })) return true;
    return (await this.bucket.head(name)) !== undefined;
  }

  /** Uploads an artifact from its folder. If another machine has uploaded it meanwhile, that upload stays. */
  async upload(manifest: Manifest, folder: string): Promise<void> {
    const place = placeOf(manifest.kind, manifest.key);
    for (const name of Object.keys(manifest.files)) await this.bucket.upload(`${place}/${name}`, join(folder, name));
    await this.bucket.put(`${place}/${manifestName}`, manifestText(manifest), 'absent');
  }

  async open(kind: ArtifactKind, key: string, name: string, from: number): Promise<AsyncIterable<Uint8Array> | undefined> {
    return await this.bucket.download(`${placeOf(kind, key)}/${name}`, from);
  }

  /** Skips files that an earlier upload has finished, because a checkpoint has many large files. */
  async put(manifest: Manifest, fileOf: (name: string) => string): Promise<void> {
    const place = placeOf(manifest.kind, manifest.key);
    for (const [name, { bytes }] of Object.entries(manifest.files)) {
      if ((await this.bucket.head(`${place}/${name}`))?.bytes !== bytes) await this.bucket.upload(`${place}/${name}`, fileOf(name));
    }
    await this.bucket.put(`${place}/${manifestName}`, manifestText(manifest), 'absent');
  }

  /**
   * Downloads the files of an artifact, and its manifest, into a folder.
   * @throws ArtifactLostError if a file is missing or differs from the manifest; the artifact is removed from the bucket first
   */
  async download(manifest: Manifest, folder: string): Promise<void> {
    const { kind, key, files } = manifest;
    for (const [name, { bytes, sha256 }] of Object.entries(files)) {
      const content = await this.bucket.download(`${placeOf(kind, key)}/${name}`);
      const written = content && (await writeFileDurably(join(folder, name), content));
      if (written?.bytes === bytes && written.sha256 === sha256) continue;
      await this.dropDamaged(kind, key);
      throw new ArtifactLostError(kind, key, written === undefined ? `file ${name} is missing` : `file ${name} has changed since it was written (SHA-256 differs)`, this.name);
    }
    await writeFileDurably(join(folder, manifestName), [Buffer.from(manifestText(manifest))]);
  }

  async *list(): AsyncGenerator<StoredArtifact> {
    // The objects of an artifact are listed one after the other; `manifest.json` may come before or after the files.
    let place = '';
    let current: { bytes: number; usedAt?: number } = { bytes: 0 };
    const finished = (): StoredArtifact[] => {
      const at = artifactAt(place);
      return at === undefined || current.usedAt === undefined ? [] : [{ ...at, bytes: current.bytes, usedAt: current.usedAt }];
    };
    for await (const { key, bytes, changedAt } of this.bucket.list('')) {
      const folder = key.slice(0, Math.max(0, key.lastIndexOf('/')));
      if (folder !== place) {
        yield* finished();
        [place, current] = [folder, { bytes: 0 }];
      }
      current.bytes += bytes;
      if (key.endsWith(`/${manifestName}`)) current.usedAt = changedAt;
    }
    yield* finished();
  }

  async verify(kind: ArtifactKind, key: string): Promise<boolean> {
    const manifest = await this.find(kind, key);
    if (manifest === undefined) return false;
    for (const [name, expected] of Object.entries(manifest.files)) {
      const content = await this.bucket.download(`${placeOf(kind, key)}/${name}`);
      if (content !== undefined && (await digestOfPieces(content)) === expected.sha256) continue;
      await this.dropDamaged(kind, key);
      return false;
    }
    return true;
  }

  async drop(kind: ArtifactKind, key: string): Promise<void> {
    const place = placeOf(kind, key);
    // Without its manifest, the artifact is gone even if its files remain.
    await this.bucket.remove([`${place}/${manifestName}`]);
    const files: string[] = [];
    for await (const { key: file } of this.bucket.list(`${place}/`)) files.push(file);
    // If the manifest is back, another process has uploaded the artifact again and needs the files.
    if (!files.includes(`${place}/${manifestName}`)) await this.bucket.remove(files);
  }

  async dropUnused(kind: ArtifactKind, key: string, before: number): Promise<boolean> {
    const found = await this.bucket.head(`${placeOf(kind, key)}/${manifestName}`);
    if (found === undefined || found.changedAt >= before) return false;
    await this.drop(kind, key);
    return true;
  }

  async removeLeftovers(before: number): Promise<void> {
    await this.claims.removeOld(before);
    await this.bucket.abortUploads(before);
    await this.removeOrphans(before);
  }

  /** Removes files whose manifest was never written because the uploading process was killed or lost its connection. */
  private async removeOrphans(before: number): Promise<void> {
    const whole = new Set<string>();
    const files: { key: string; place: string }[] = [];
    for await (const { key, changedAt } of this.bucket.list('')) {
      const place = key.slice(0, Math.max(0, key.lastIndexOf('/')));
      if (artifactAt(place) === undefined) continue;
      if (key.endsWith(`/${manifestName}`)) whole.add(place);
      else if (changedAt < before) files.push({ key, place });
    }
    await this.bucket.remove(files.filter(({ place }) => !whole.has(place)).map(({ key }) => key));
  }

  async clock(): Promise<number> {
    await this.bucket.put('clock', '\n');
    return (await this.bucket.head('clock'))?.changedAt ?? -Infinity;
  }

  private async dropDamaged(kind: ArtifactKind, key: string): Promise<void> {
    await this.drop(kind, key);
    await this.onDamaged(kind, key);
  }
}

async function digestOfPieces(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
