import { basename, join } from 'node:path';
import { digestFiles } from '../files/checkpoints/index.js';
import { InputFileError } from './errors.js';
import type { RunContext } from './types.js';
import type { Workbench } from './workbench.js';

/**
 * Returns the digest of a file that the run reads, for keys of artifacts.
 * @param name the file's name in `context.files`
 * @throws Error if `prepareRun` recorded no digest of it: a key without the digest would match any content of the file
 */
export function inputDigest({ files }: RunContext, name: string): string {
  const digest = files[name];
  if (digest === undefined || digest === '') throw new Error(`the digest of ${name} is not known, so no result that depends on it can be stored`);
  return digest;
}

/** A file on this machine, and its name in `context.files`. */
interface InputFile {
  file: string;
  name: string;
}

/**
 * Checks that files that have just been read have not changed since the run began. Results are stored under the digests of that
 * time, and later runs find them there. If a digest is known already, the check only needs a stat of the file.
 * @throws InputFileError
 */
export async function checkUnchanged(context: RunContext, inputs: readonly InputFile[], { state }: Pick<Workbench, 'state'>): Promise<void> {
  const digests = await digestFiles(inputs.map(({ file }) => file), { cacheFile: digestCache(state) });
  const changed = inputs.find(({ file, name }) => digests.get(file) !== inputDigest(context, name));
  if (changed !== undefined) throw new InputFileError(changed.file, 'the file has changed since the run began', 'Start the run again: it then reads the file as it is');
}

/** The file in a state folder that caches digests of files. */
export const digestCache = (state: string): string => join(state, 'file-digests.json');

/** The files of a tokenizer. Their folder on this machine may differ from the one where the run began. */
export function tokenizerInputs({ model }: RunContext, { digestSource }: { digestSource: readonly string[] }): InputFile[] {
  return digestSource.map((file) => ({ file, name: join(model.source, basename(file)) }));
}
