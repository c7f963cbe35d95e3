import { datasetInfo, listFiles as hubFiles, modelInfo, type ListFileEntry } from '@huggingface/hub';
import { isCommit } from './model-source.js';
import { cachedCommit, rememberCommit, type Pinned } from './cached.js';
import { HubProtocolError, NotInCacheError } from './errors.js';
import { describeRepository, type Repository } from './repository.js';
import { hubJson } from './request.js';
import type { HubSettings } from './settings.js';

/** A file as the hub lists it. The cache names files by their checksum. */
export interface RemoteFile {
  path: string;
  size: number;
  /** SHA-256 for a large file (LFS, Xet), git's SHA-1 of the blob for others. */
  checksum: { sha256: string } | { git: string };
}

/**
 * Resolves the revision of a repository to a commit. A branch or tag is looked up on the hub, and the cache records the commit.
 * Offline, the recorded commit is used.
 * @throws NotInCacheError, RepositoryNotFoundError, RevisionNotFoundError, HubAccessError, GatedRepositoryError, HubUnreachableError
 */
export async function pin({ type, repository, revision }: Repository, settings: HubSettings): Promise<Pinned> {
  return { type, repository, commit: await resolveCommit({ type, repository, revision }, settings) };
}

async function resolveCommit(repository: Repository, settings: HubSettings): Promise<string> {
  const { type, repository: name, revision } = repository;
  if (isCommit(revision)) return revision;
  const { cache, endpoint, offline } = settings;
  const known = await cachedCommit(cache, repository);
  if (offline) {
    if (known !== undefined) return known;
    throw notInCache(repository, 'the commit that it stands for');
  }
  const request = { name, revision, hubUrl: endpoint, fetch: hubJson(settings, repository) };
  const { sha } = type === 'model' ? await modelInfo({ ...request, additionalFields: ['sha'] }) : await datasetInfo({ ...request, additionalFields: ['sha'] });
  if (!isCommit(sha)) throw new HubProtocolError({ where: describeRepository(repository), what: `the hub says that its commit is ${JSON.stringify(sha)}`, remedy: 'Check HF_ENDPOINT' });
  if (sha !== known) await rememberCommit(cache, repository, sha);
  return sha;
}

/** Lists the files of a repository at a commit. */
export async function remoteFiles({ type, repository, commit }: Pinned, settings: HubSettings): Promise<RemoteFile[]> {
  const subject = { type, repository, revision: commit };
  const files: RemoteFile[] = [];
  for await (const entry of hubFiles({ repo: { type, name: repository }, revision: commit, recursive: true, hubUrl: settings.endpoint, fetch: hubJson(settings, subject) })) {
    if (entry.type === 'file') files.push(remoteFile(entry, subject));
  }
  return files;
}

/** Converts an entry of the hub's list. @throws HubProtocolError if it has no checksum */
export function remoteFile({ path, size, oid, lfs }: Pick<ListFileEntry, 'path' | 'size' | 'oid' | 'lfs'>, repository: Repository): RemoteFile {
  if (lfs !== undefined && /^[0-9a-f]{64}$/.test(lfs.oid)) return { path, size: lfs.size, checksum: { sha256: lfs.oid } };
  if (lfs === undefined && oid !== undefined && /^[0-9a-f]{40}$/.test(oid)) return { path, size, checksum: { git: oid } };
  throw new HubProtocolError({ where: describeRepository(repository), what: `the hub gives no checksum for ${path}`, expected: "a SHA-256, or git's SHA-1", remedy: 'Check HF_ENDPOINT' });
}

/** @param what what is missing */
export function notInCache(repository: Repository, what: string): NotInCacheError {
  return new NotInCacheError({
    where: describeRepository(repository), what: `the cache does not have ${what}, and HF_HUB_OFFLINE forbids contacting the hub`,
    remedy: 'Download it where the hub can be reached (`hf download`, or a run without HF_HUB_OFFLINE), or set HF_HOME to a cache that has it',
  });
}
