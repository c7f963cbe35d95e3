import type { RunContext } from './types.js';

/**
 * The digest of a file that the run reads, for keys of artifacts.
 * @param name what `context.files` calls the file
 * @throws Error if `prepareRun` took no digest of it: a key without the digest would be found whatever the file holds
 */
export function inputDigest({ files }: RunContext, name: string): string {
  const digest = files[name];
  if (digest === undefined || digest === '') throw new Error(`the digest of ${name} is not known, so nothing can be stored that follows from it`);
  return digest;
}
