import { createHash, type Hash } from 'node:crypto';
import type { RemoteFile } from './list-files.js';

/** The digest that the bytes of a file must have. */
export function expectedDigest({ checksum }: Pick<RemoteFile, 'checksum'>): string {
  return 'sha256' in checksum ? checksum.sha256 : checksum.git;
}

/** The hash that computes the expected digest. Git prefixes a blob with its length. */
export function newHash({ checksum, size }: Pick<RemoteFile, 'checksum' | 'size'>): Hash {
  return 'sha256' in checksum ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}
