import { statSync } from 'node:fs';
import { resolve } from 'node:path';

/** Whether a text has the form of a Hugging Face repository id, `organisation/name`. */
export const looksLikeRepository = (source: string): boolean => /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9_][\w.-]*$/.test(source);

/**
 * Whether a model source is a Hugging Face repository id (`organisation/name`), not a folder. What starts like a path is one;
 * anything else of that form is a folder only if there is one.
 */
export function isRepositoryId(source: string, base: string): boolean {
  if (!looksLikeRepository(source)) return false;
  return statSync(resolve(base, source), { throwIfNoEntry: false })?.isDirectory() !== true;
}

/** A full commit hash, which always means the same. Branches and tags can move. */
export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);
