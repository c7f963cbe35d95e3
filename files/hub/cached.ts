import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileDurably } from '../artifacts/durable-file.js';
import { CacheDamagedError } from './errors.js';
import { refFile, repositoryFolder, snapshotFolder, type Repository } from './repository.js';

/** A repository at a commit. */
export type Pinned = Omit<Repository, 'revision'> & { commit: string };

/** Path of a file in the cache, which may be the download of another program; undefined if it is not there. */
export async function cachedFile(cache: string, repository: Pinned, path: string): Promise<string | undefined> {
  const file = join(snapshotFolder(cache, repository, repository.commit), path);
  return (await stat(file).catch(() => undefined))?.isFile() === true ? file : undefined;
}

/** The commit of a branch or tag when it was last requested. */
export async function cachedCommit(cache: string, repository: Repository): Promise<string | undefined> {
  const commit = (await readFile(refFile(cache, repository), 'utf8').catch(() => '')).trim();
  return commit === '' ? undefined : commit;
}

export async function rememberCommit(cache: string, repository: Repository, commit: string): Promise<void> {
  await writeFileDurably(refFile(cache, repository), [Buffer.from(commit)]);
}

/** Whether the repository is known not to have a file at a commit, so that it need not be requested again. */
export async function isKnownMissing(cache: string, repository: Pinned, path: string): Promise<boolean> {
  return (await stat(missingMark(cache, repository, path)).catch(() => undefined)) !== undefined;
}

export async function rememberMissing(cache: string, repository: Pinned, path: string): Promise<void> {
  const mark = missingMark(cache, repository, path);
  await mkdir(dirname(mark), { recursive: true });
  await writeFile(mark, '');
}

function missingMark(cache: string, repository: Pinned, path: string): string {
  return join(repositoryFolder(cache, repository), '.no_exist', repository.commit, path);
}

/**
 * Checks the SHA-256 of a cached file against the name of its blob, if the name is a SHA-256. Other programs write to the cache too.
 * @throws CacheDamagedError
 */
export async function checkBlob(file: string, digest: string): Promise<void> {
  const blob = await realpath(file);
  const name = basename(blob);
  if (!/^[0-9a-f]{64}$/.test(name) || name === digest) return;
  throw new CacheDamagedError({ where: file, what: `the cached file has the SHA-256 ${digest}`, expected: name, remedy: `Remove ${blob}, so that the file is downloaded again` });
}
