import { join } from 'node:path';
import { isCommit } from './model-source.js';
import { HubNameError } from './errors.js';

/** A repository of the hub at a revision: branch, tag or commit. */
export interface Repository {
  type: 'model' | 'dataset';
  /** `organisation/name`, or only a name. */
  repository: string;
  revision: string;
}

/** `org/name@revision`, for messages. Shortens commits. */
export function describeRepository({ type, repository, revision }: Repository): string {
  return `${type === 'dataset' ? 'datasets/' : ''}${repository}@${isCommit(revision) ? revision.slice(0, 12) : revision}`;
}

/**
 * The folder of a repository in the cache. Its layout is that of huggingface_hub: `blobs/<checksum>`, `refs/<branch>` (contains a commit),
 * and `snapshots/<commit>/<path>` (links to blobs).
 */
export function repositoryFolder(cache: string, { type, repository }: Pick<Repository, 'type' | 'repository'>): string {
  checkName(repository, /^[\w.-]+(\/[\w.-]+)?$/, 'repository id');
  return join(cache, [`${type}s`, ...repository.split('/')].join('--'));
}

export function snapshotFolder(cache: string, repository: Pick<Repository, 'type' | 'repository'>, commit: string): string {
  return join(repositoryFolder(cache, repository), 'snapshots', commit);
}

/** The file with the commit of a branch or tag when it was last requested. */
export function refFile(cache: string, repository: Repository): string {
  checkName(repository.revision, /^[\w./-]+$/, 'revision');
  return join(repositoryFolder(cache, repository), 'refs', repository.revision);
}

/** Checks a path in a repository. It is joined to local folders and must not lead out of them, on any system. @throws HubNameError */
export function checkPath(path: string): void {
  checkName(path, /^[^\\:]+$/, 'path of a file');
}

function checkName(name: string, allowed: RegExp, what: string): void {
  if (allowed.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) return;
  throw new HubNameError({ what: `${JSON.stringify(name)} cannot be the ${what} on a hub`, expected: 'names separated by slashes, none of them `.` or `..`', remedy: 'Correct it' });
}
