import { stat } from 'node:fs/promises';

/**
 * Describes the current state of a file in a text that changes whenever the content may have changed. It includes the ctime, because
 * the mtime can be set back, as `rsync`, `cp -p` and archives do.
 *
 * @throws the system's error if there is no such file
 */
export async function fileState(path: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino, dev } = await stat(path, { bigint: true });
  return `${size} bytes, modified ${mtimeNs}, changed ${ctimeNs}, inode ${ino} of ${dev}`;
}
