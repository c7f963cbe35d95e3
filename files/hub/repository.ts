import { join } from 'node:path';
import { isCommit } from './model-source.js';
import { HubNameError } from './errors.js';

/** A repository of the hub at a revision: branch, tag or commit. */
export interface Repository {
  type: 'model' | 'dataset';
  /** `organisation/name`, or a name alone. */
  repository: string;
  revision: string;
}

/** `org/name@revision`, for people. */
export function describeRepository({ type, repository, revision }: Repository): string {
  return `${type === 'dataset' ? 'datasets/' : ''}${repository}@${isCommit(revision) ? revision.slice(0, 12) : revision}`;
}

/**
 * Where the cache keeps a repository, as huggingface_hub does: `blobs/<checksum>`, `refs/<branch>` (a commit), and
 * `snapshots/<commit>/<path>`, which are links to blobs.
 */
export function repositoryFolder(cache: string, { type, repository }: Pick<Repository, 'type' | 'repository'>): string {
  checkName(repository, /^[\w.-]+(\/[\w.-]+)?$/, 'repository id');
  return join(cache, [`${type}s`, ...repository.split('/')].join('--'));
}

export function snapshotFolder(cache: string, repository: Pick<Repository, 'type' | 'repository'>, commit: string): string {
  return join(repositoryFolder(cache, repository), 'snapshots', commit);
}

/** Holds the commit that a branch or tag stood for when it was last asked for. */
export function refFile(cache: string, repository: Repository): string {
  checkName(repository.revision, /^[\w./-]+$/, 'revision');
  return join(repositoryFolder(cache, repository), 'refs', repository.revision);
}

/** What a repository names its files is joined to folders of ours: no name may lead out of them, on any system. */
export function checkPath(path: string): void {
  checkName(path, /^[^\\:]+$/, 'path of a file');
}

function checkName(name: string, allowed: RegExp, what: string): void {
  if (allowed.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) return;
  throw new HubNameError({ what: `${JSON.stringify(name)} cannot be the ${what} on a hub`, expected: 'names between slashes, none of them `.` or `..`', remedy: 'Correct it' });
}
