import type { FileHandle } from 'node:fs/promises';

/** Most bytes of one read: the system, and Node's hashes, refuse 2 GiB and more. */
const mostBytes = 2 ** 30;

/**
 * Fills a piece from the present position of a file.
 * @param onBytes told of all bytes in turn, at most 1 GiB at a time
 * @returns how many bytes there were: fewer than the piece has only at the end of the file
 */
export async function readPiece(file: Pick<FileHandle, 'read'>, piece: Uint8Array, onBytes: (bytes: Uint8Array) => void): Promise<number> {
  let filled = 0;
  while (filled < piece.length) {
    const { bytesRead } = await file.read(piece, filled, Math.min(mostBytes, piece.length - filled));
    if (bytesRead === 0) break;
    onBytes(piece.subarray(filled, filled + bytesRead));
    filled += bytesRead;
  }
  return filled;
}
