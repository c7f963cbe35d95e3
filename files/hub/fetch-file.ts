import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rename, stat, symlink } from 'node:fs/promises';
import { pathsInfo } from '@huggingface/hub';
import { dirname, join, relative } from 'node:path';
import { cachedFile, type Pinned } from './cached.js';
import { expectedDigest } from './blob-digest.js';
import { downloadBlob, type DownloadProgress } from './download-blob.js';
import { RepositoryFileNotFoundError } from './errors.js';
import { notInCache, pin, remoteFile, type RemoteFile } from './list-files.js';
import { checkPath, describeRepository, repositoryFolder, snapshotFolder, type Repository } from './repository.js';
import { hubJson } from './request.js';
import { hubSettings, type HubSettings } from './settings.js';

export interface FetchFileRequest extends Repository {
  /** Path within the repository, with slashes. */
  path: string;
  onProgress?: (progress: DownloadProgress) => void;
}

/**
 * Returns a file of a repository. Downloads it into the cache if it is not there. If the revision is a commit and the file is in the cache,
 * there is no request, even if another program downloaded it. Files appear in the cache only complete and checked.
 * @returns path and commit of the file
 * @throws the errors of this folder
 */
export async function fetchFile({ path, onProgress, ...repository }: FetchFileRequest, settings: HubSettings = hubSettings()): Promise<{ file: string; commit: string }> {
  checkPath(path);
  const pinned = await pin(repository, settings);
  const { commit } = pinned;
  const known = await cachedFile(settings.cache, pinned, path);
  if (known !== undefined) return { file: known, commit };
  if (settings.offline) throw notInCache({ ...repository, revision: commit }, path);
  const file = await fetchListed(pinned, await lookUp(pinned, path, settings), settings, onProgress);
  return { file, commit };
}

async function lookUp({ type, repository, commit }: Pinned, path: string, settings: HubSettings): Promise<RemoteFile> {
  const subject = { type, repository, revision: commit, path };
  const [info] = await pathsInfo({ repo: { type, name: repository }, paths: [path], revision: commit, hubUrl: settings.endpoint, fetch: hubJson(settings, subject) });
  if (info === undefined || info.type !== 'file') {
    throw new RepositoryFileNotFoundError({ where: describeRepository(subject), what: `the repository has no file ${path}`, remedy: 'Check revision; another revision may have the file' });
  }
  return remoteFile(info, subject);
}

/** The path of a file's content in the cache. */
export function blobPath(pinned: Pinned, remote: RemoteFile, { cache }: HubSettings): string {
  return join(repositoryFolder(cache, pinned), 'blobs', expectedDigest(remote));
}

/** Downloads in flight in this process, by blob. */
const inFlight = new Map<string, Promise<void>>();

/** Downloads a file that the hub lists into the cache, unless it is there. @returns its path in the cache */
export async function fetchListed(pinned: Pinned, remote: RemoteFile, settings: HubSettings, onProgress?: (progress: DownloadProgress) => void): Promise<string> {
  const { type, repository, commit } = pinned;
  checkPath(remote.path);
  const blob = blobPath(pinned, remote, settings);
  const pointer = join(snapshotFolder(settings.cache, pinned, commit), remote.path);
  await mkdir(dirname(blob), { recursive: true });
  await mkdir(dirname(pointer), { recursive: true });
  if ((await stat(blob).catch(() => undefined)) === undefined) {
    const running = inFlight.get(blob) ?? downloadBlob({ repository: { type, repository, revision: commit }, remote, blob, settings, ...(onProgress && { onProgress }) });
    inFlight.set(blob, running);
    await running.finally(() => inFlight.delete(blob));
  }
  await point(pointer, blob);
  return pointer;
}

/** Creates a relative link, so that the cache can be moved, or a copy if the system has no links. It appears by a rename. */
async function point(pointer: string, blob: string): Promise<void> {
  // Two requests for the same file, even in one process, must not rename the same draft.
  const draft = `${pointer}.${randomUUID()}.draft`;
  await symlink(relative(dirname(pointer), blob), draft).catch(() => copyFile(blob, draft));
  await rename(draft, pointer);
}
