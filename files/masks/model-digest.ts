import { basename, join } from 'node:path';
import { digestOf } from '../artifacts/index.js';
import { digestFiles, type Checkpoint, type DigestOptions } from '../checkpoints/index.js';

/**
 * Computes the digest by which runs and mask files identify a dense model: of the names and contents of `config.json` and all weight files.
 * Reads all these files.
 *
 * @throws FileChangedError
 */
export async function modelDigest({ folder, weightFiles }: Pick<Checkpoint, 'folder' | 'weightFiles'>, options: DigestOptions = {}): Promise<string> {
  const files = [join(folder, 'config.json'), ...weightFiles];
  const digests = await digestFiles(files, options);
  return digestOf(files.map((file) => ({ name: basename(file), sha256: digests.get(file) })));
}
