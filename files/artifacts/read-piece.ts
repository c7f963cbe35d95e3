import type { FileHandle } from 'node:fs/promises';

/** Maximum bytes of one read: the system and Node's hashes refuse 2 GiB and more. */
const maxBytes = 2 ** 30;

/**
 * Fills a buffer from the current position of a file.
 * @param onBytes called with all bytes in order, at most 1 GiB at a time
 * @returns how many bytes were read: fewer than the buffer holds only at the end of the file
 */
export async function readPiece(file: Pick<FileHandle, 'read'>, piece: Uint8Array, onBytes: (bytes: Uint8Array) => void): Promise<number> {
  let filled = 0;
  while (filled < piece.length) {
    const { bytesRead } = await file.read(piece, filled, Math.min(maxBytes, piece.length - filled));
    if (bytesRead === 0) break;
    onBytes(piece.subarray(filled, filled + bytesRead));
    filled += bytesRead;
  }
  return filled;
}
