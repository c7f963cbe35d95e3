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
  /** Within the repository, with slashes. */
  path: string;
  onProgress?: (progress: DownloadProgress) => void;
}

/**
 * A file of a repository, from the cache, or downloaded into it. A file that is there under a commit costs no request, whoever
 * brought it there; one that is not whole and checked is never there.
 * @returns the file, and the commit that it is of
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
    throw new RepositoryFileNotFoundError({ where: describeRepository(subject), what: `there is no file ${path}`, remedy: 'Check revision; the repository may have it at another one' });
  }
  return remoteFile(info, subject);
}

/** Where the cache keeps the content of a file. */
export function blobPath(pinned: Pinned, remote: RemoteFile, { cache }: HubSettings): string {
  return join(repositoryFolder(cache, pinned), 'blobs', expectedDigest(remote));
}

/** Downloads in flight in this process, by blob. */
const inFlight = new Map<string, Promise<void>>();

/** Brings a file that the hub lists into the cache. @returns its path there */
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

/** A relative link, so that the cache can be moved; if the system has no links, a copy. Appears by a rename. */
async function point(pointer: string, blob: string): Promise<void> {
  // Two that ask for one file, in this process too, must not rename the same draft.
  const draft = `${pointer}.${randomUUID()}.draft`;
  await symlink(relative(dirname(pointer), blob), draft).catch(() => copyFile(blob, draft));
  await rename(draft, pointer);
}
