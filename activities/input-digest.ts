import { basename, join } from 'node:path';
import { digestFiles } from '../files/checkpoints/index.js';
import { InputFileError } from './errors.js';
import type { RunContext } from './types.js';
import type { Workbench } from './workbench.js';

/**
 * The digest of a file that the run reads, for keys of artifacts.
 * @param name what `context.files` calls the file
 * @throws Error if `prepareRun` took no digest of it: a key without the digest would be found for every content of the file
 */
export function inputDigest({ files }: RunContext, name: string): string {
  const digest = files[name];
  if (digest === undefined || digest === '') throw new Error(`the digest of ${name} is not known, so nothing can be stored that follows from it`);
  return digest;
}

/** A file on this machine, and what `context.files` calls it. */
interface InputFile {
  file: string;
  name: string;
}

/**
 * Makes sure that files which have just been read are those that the run began with: what follows from them is stored under the digests of that
 * time, and found by later runs. Digests that are known from before cost one look at the file.
 * @throws InputFileError
 */
export async function checkUnchanged(context: RunContext, inputs: readonly InputFile[], { state }: Pick<Workbench, 'state'>): Promise<void> {
  const digests = await digestFiles(inputs.map(({ file }) => file), { cacheFile: digestCache(state) });
  const changed = inputs.find(({ file, name }) => digests.get(file) !== inputDigest(context, name));
  if (changed !== undefined) throw new InputFileError(changed.file, 'the file has changed since the run began', 'Start the run again: it then reads the file as it is');
}

/** Where a state folder remembers digests of files. */
export const digestCache = (state: string): string => join(state, 'file-digests.json');

/** A tokenizer's files, which may be in another folder on this machine than where the run began. */
export function tokenizerInputs({ model }: RunContext, { digestSource }: { digestSource: readonly string[] }): InputFile[] {
  return digestSource.map((file) => ({ file, name: join(model.source, basename(file)) }));
}
