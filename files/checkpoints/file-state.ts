import { stat } from 'node:fs/promises';

/**
 * What a file is at the moment, in words: another text whenever its content may be another. The time of change (ctime) is part of it, because
 * the time of modification can be put back, which `rsync`, `cp -p` and archives do.
 *
 * @throws the system's error if there is no such file
 */
export async function fileState(path: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino, dev } = await stat(path, { bigint: true });
  return `${size} bytes, modified ${mtimeNs}, changed ${ctimeNs}, inode ${ino} of ${dev}`;
}
