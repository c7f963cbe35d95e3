import { basename, join } from 'node:path';
import { digestOf } from '../artifacts/index.js';
import { digestFiles, type Checkpoint, type DigestOptions } from '../checkpoints/index.js';

/**
 * The digest by which runs and mask files know a dense model: that of names and contents of `config.json` and weight files.
 * Reads all of them.
 *
 * @throws FileChangedError
 */
export async function modelDigest({ folder, weightFiles }: Pick<Checkpoint, 'folder' | 'weightFiles'>, options: DigestOptions = {}): Promise<string> {
  const files = [join(folder, 'config.json'), ...weightFiles];
  const digests = await digestFiles(files, options);
  return digestOf(files.map((file) => ({ name: basename(file), sha256: digests.get(file) })));
}
