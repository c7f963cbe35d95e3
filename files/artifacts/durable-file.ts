import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Largest piece that is hashed and written at once: some system calls refuse 2 GiB and more. */
const pieceBytes = 1 << 26;

/** Length and SHA-256 (hexadecimal) of a written file. */
export interface Written {
  bytes: number;
  sha256: string;
}

/** Temporary files are named `.<name>.<16 hex digits>.partial`, in the folder of the final file. */
const temporaryName = /^\..+\.[0-9a-f]{16}\.partial$/;

/**
 * Writes a file so that `path` holds either its old or its complete new content, even after a kill:
 * temporary name in the same folder, fsync, rename, fsync of the folder. Creates the folder if needed.
 *
 * @param chunks the content, consumed one chunk at a time, so that it never has to fit in memory
 * @throws the system's error (ENOSPC, EACCES, ...) or that of `chunks`; the temporary file is removed first
 */
export async function writeFileDurably(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<Written> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.partial`);
  const hash = createHash('sha256');
  let bytes = 0;
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(temporary, 'wx');
  try {
    try {
      for await (const chunk of chunks) {
        for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
          const piece = chunk.subarray(at, at + pieceBytes);
          hash.update(piece);
          for (let done = 0; done < piece.byteLength; ) {
            done += (await handle.write(piece, done)).bytesWritten;
          }
          bytes += piece.byteLength;
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    // The error of a failed write does not name the file.
    if (error instanceof Error && 'code' in error) (error as NodeJS.ErrnoException).path ??= path;
    throw error;
  }
  await syncFolder(dirname(path));
  return { bytes, sha256: hash.digest('hex') };
}

/**
 * Removes the temporary files of killed writers from a folder. Only for a folder with one writer at a time:
 * a writer that is still alive would fail at its rename.
 */
export async function removePartialFiles(folder: string): Promise<void> {
  const leftovers = (await readdir(folder)).filter((name) => temporaryName.test(name));
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { force: true })));
}

/** Makes renames and removals in a folder survive a crash of the machine. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
