import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { writeFileDurably } from '../artifacts/durable-file.js';
import { FileChangedError } from './errors.js';
import { fileState } from './file-state.js';

export interface DigestOptions {
  /** JSON file that caches digests. Created if absent, replaced if it cannot be read. */
  cacheFile?: string;
  /** Called with the bytes processed so far, and the total. */
  onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** Absolute path -> identity of the file when its digest was computed, and the digest. */
type DigestCache = Record<string, { identity: string; sha256: string }>;

/** Bytes read at a time. */
const pieceBytes = 1 << 22;

/**
 * Returns the SHA-256 (hexadecimal) of files, by the given paths. With a cache, a file is read again only if its size, mtime or ctime
 * (in nanoseconds), inode or device has changed.
 *
 * @throws FileChangedError if a file changes while it is read, and the system's error if it cannot be read
 */
export async function digestFiles(
  paths: readonly string[],
  { cacheFile, onProgress }: DigestOptions = {},
): Promise<Map<string, string>> {
  const cache = cacheFile === undefined ? {} : await readCache(cacheFile);
  const states = await Promise.all(paths.map(fileState));
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  let doneBytes = 0;
  const advance = (bytes: number) => onProgress?.((doneBytes += bytes), totalBytes);
  const digests = new Map<string, string>();
  for (const [i, path] of paths.entries()) {
    const identity = states[i];
    const known = cache[resolve(path)];
    if (known?.identity === identity) {
      digests.set(path, known.sha256);
      advance(sizes[i]);
      continue;
    }
    const sha256 = await digestFile(path, advance);
    if ((await fileState(path)) !== identity) {
      throw new FileChangedError({ what: 'the file changed while it was read', where: path, remedy: 'Wait until no other program writes to it' });
    }
    digests.set(path, sha256);
    cache[resolve(path)] = { identity, sha256 };
    if (cacheFile !== undefined) await writeCache(cacheFile, cache);
  }
  return digests;
}

async function digestFile(path: string, advance: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes }) as AsyncIterable<Buffer>) {
    hash.update(piece);
    advance(piece.length);
  }
  return hash.digest('hex');
}

/** Reads the cache. An absent or damaged cache counts as empty, because it only saves time. */
async function readCache(path: string): Promise<DigestCache> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return {};
  }
  if (typeof json !== 'object' || json === null) return {};
  return Object.fromEntries(Object.entries(json as Record<string, unknown>).filter(isCacheEntry));
}

async function writeCache(path: string, cache: DigestCache): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileDurably(path, [Buffer.from(JSON.stringify(cache, null, 1))]);
}

function isCacheEntry(entry: [string, unknown]): entry is [string, DigestCache[string]] {
  const value = entry[1] as Partial<DigestCache[string]> | null;
  return typeof value?.identity === 'string' && /^[0-9a-f]{64}$/.test(value.sha256 ?? '');
}
