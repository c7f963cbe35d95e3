import { openPromise } from 'yauzl';
import { PytorchFileError } from '../errors.js';

/** Byte offsets in the archive, `end` exclusive. */
export interface Member {
  begin: number;
  end: number;
}

/** Remedy for a file that cannot be read. */
export const saveAgain = 'Save it again with a current torch, where you trust it: torch.save(torch.load(path, weights_only=True), path)';

/**
 * Finds the byte ranges of the members of a zip archive, by name. Reads only the archive's directory and the members' headers:
 * torch stores tensors without compression, so their bytes can be read directly from the archive.
 *
 * @throws PytorchFileError if the file is not a zip archive, a member is compressed or encrypted, two members have the same name,
 *   or a member reaches beyond the file
 */
export async function storedMembers(path: string): Promise<Map<string, Member>> {
  const archive = await openPromise(path).catch((error: unknown) => { throw notAnArchive(path, error); });
  const members = new Map<string, Member>();
  try {
    for await (const entry of archive.eachEntry()) {
      const where = `${path}, member ${entry.fileName}`;
      if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
        throw new PytorchFileError({ what: 'it is compressed or encrypted', where, expected: 'stored bytes, as torch.save writes them', remedy: saveAgain });
      }
      if (members.has(entry.fileName)) throw new PytorchFileError({ what: 'two members have this name', where, remedy: saveAgain });
      const { fileDataStart: begin } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
      const end = begin + entry.compressedSize;
      if (end > archive.fileSize) {
        throw new PytorchFileError({ what: `it ends at byte ${end} of a file of ${archive.fileSize} bytes`, where, remedy: 'The file is truncated or damaged: get it again' });
      }
      members.set(entry.fileName, { begin, end });
    }
    return members;
  } catch (error) {
    throw notAnArchive(path, error);
  } finally {
    archive.close();
  }
}

/** Wraps the library's errors, which say what is wrong with the archive. System errors and our own are returned unchanged. */
function notAnArchive(path: string, error: unknown): unknown {
  if (error instanceof PytorchFileError || (error as NodeJS.ErrnoException).syscall !== undefined) return error;
  return new PytorchFileError({
    what: `it is not a zip archive that can be read (${(error as Error).message})`, where: path,
    expected: 'a file that torch.save wrote, torch 1.6 or later', remedy: saveAgain,
  }, { cause: error });
}
