import { statSync } from 'node:fs';
import { resolve } from 'node:path';

/** Whether a text has the form of a Hugging Face repository id, `organisation/name`. */
export const looksLikeRepository = (source: string): boolean => /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9_][\w.-]*$/.test(source);

/**
 * Whether a model source is a Hugging Face repository id (`organisation/name`) and not a folder. A source that starts like a path is
 * a folder. A source in the form of a repository id is a folder only if that folder exists.
 */
export function isRepositoryId(source: string, base: string): boolean {
  if (!looksLikeRepository(source)) return false;
  return statSync(resolve(base, source), { throwIfNoEntry: false })?.isDirectory() !== true;
}

/** Whether a revision is a full commit hash, which never changes its meaning. Branches and tags can move. */
export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);
