import { createReadStream } from 'node:fs';
import { open, rename, rm, statfs, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../artifacts/durable-file.js';
import { expectedDigest, newHash } from './blob-digest.js';
import { cacheFull, ChecksumMismatchError, HubUnreachableError, unreachable } from './errors.js';
import type { RemoteFile } from './list-files.js';
import { giveUpPartial, takePartial } from './partial-file.js';
import { describeRepository, type Repository } from './repository.js';
import { bodyOf, hubFetch, waitToRetry } from './request.js';
import type { HubSettings } from './settings.js';

/** Progress of the download of one file. */
export interface DownloadProgress {
  path: string;
  doneBytes: number;
  totalBytes: number;
}

export interface BlobRequest {
  repository: Repository;
  remote: RemoteFile;
  /** Target path, named by the checksum. */
  blob: string;
  settings: HubSettings;
  onProgress?: (progress: DownloadProgress) => void;
}

/** After this many cut connections in a row without a new byte, the activity's own retries take over. */
const maxCutsWithoutProgress = 5;

/**
 * Downloads a file of a repository under a temporary name, resumes after cut connections and killed processes, checks the
 * checksum, syncs and renames the file. (The hub library's own download never resumes and checks nothing.)
 * @throws ChecksumMismatchError if the checksum is wrong twice; CacheFullError; HubUnreachableError; the faults of `hubFetch`
 */
export async function downloadBlob(request: BlobRequest): Promise<void> {
  const { blob, remote, onProgress } = request;
  const report = (doneBytes: number): void => onProgress?.({ path: remote.path, doneBytes, totalBytes: remote.size });
  const partial = await takePartial(blob, () => { report(0); });
  if (partial === undefined) return;
  try {
    for (let tries = 1; ; tries++) {
      const digest = await fill(partial, request, report);
      if (digest === expectedDigest(remote)) break;
      await rm(partial, { force: true });
      if (tries === 2) throw mismatch(request, digest);
    }
    await rename(partial, blob).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? takenOver(partial) : error;
    });
  } catch (error) {
    await giveUpPartial(blob, partial).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(blob));
}

/** Downloads the rest of a partial file. @returns the digest of the whole content */
async function fill(partial: string, request: BlobRequest, report: (doneBytes: number) => void): Promise<string> {
  const { remote, repository, settings } = request;
  const handle = await open(partial, 'a+');
  try {
    let have = (await handle.stat()).size;
    if (have > remote.size) have = await restart(handle);
    let hash = newHash(remote);
    if (have > 0) for await (const piece of createReadStream(partial, { highWaterMark: 1 << 22 }) as AsyncIterable<Buffer>) hash.update(piece);
    await checkSpace(dirname(partial), remote.size - have);
    report(have);
    const ask = hubFetch(settings, { ...repository, path: remote.path });
    for (let cuts = 0; have < remote.size; ) {
      const before = have;
      try {
        const headers = { 'Accept-Encoding': 'identity', ...(have > 0 && { Range: `bytes=${have}-` }) };
        const response = await ask(resolveUrl(settings, repository, remote.path), { headers });
        if (have > 0 && response.status !== 206) {
          have = await restart(handle);
          hash = newHash(remote);
        }
        for await (const piece of bodyOf(response, settings.idleMs)) {
          await write(handle, piece, partial, remote.size - have);
          hash.update(piece);
          have += piece.byteLength;
          report(have);
          // Too many bytes: the checksum will be wrong anyway.
          if (have > remote.size) break;
        }
        if (have < remote.size) throw unreachable(settings.endpoint, new Error(`the response ended ${remote.size - have} bytes early`));
      } catch (error) {
        if (!(error instanceof HubUnreachableError)) throw error;
        cuts = have > before ? 1 : cuts + 1;
        if (cuts >= maxCutsWithoutProgress) throw error;
        await waitToRetry(cuts);
      }
    }
    await handle.sync();
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

async function restart(handle: FileHandle): Promise<number> {
  await handle.truncate(0);
  return 0;
}

async function write(handle: FileHandle, piece: Uint8Array, partial: string, missing: number): Promise<void> {
  try {
    await handle.appendFile(piece);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw cacheFull(dirname(partial), missing, undefined);
    throw error;
  }
}

/** Checks that there is enough free disk space. @param missing bytes that are still to be downloaded @throws CacheFullError */
export async function checkSpace(folder: string, missing: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < missing) throw cacheFull(folder, missing, bavail * bsize);
}

function resolveUrl({ endpoint }: HubSettings, { type, repository, revision }: Repository, path: string): string {
  return `${endpoint}/${type === 'dataset' ? 'datasets/' : ''}${repository}/resolve/${revision}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** Another process has renamed our file. This happens if machines that share a cache have the same name. */
function takenOver(partial: string): HubUnreachableError {
  return new HubUnreachableError({ where: partial, what: 'another process has taken over this download', remedy: 'This is retried automatically; give machines that share a cache different host names' });
}

function mismatch({ repository, remote }: BlobRequest, digest: string): ChecksumMismatchError {
  return new ChecksumMismatchError({
    where: describeRepository(repository), what: `the downloaded ${remote.path} has the checksum ${digest}`, expected: expectedDigest(remote),
    remedy: 'The file was not kept. The network changes it on the way, or the hub is broken: try again later, or from another network',
  });
}
