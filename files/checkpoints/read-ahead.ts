import { close, openSync, read } from 'node:fs';
import type { TensorInfo } from './safetensors-header.js';

const pieceBytes = 1 << 22;
/** Where all reads put their bytes, which nobody looks at. */
const nowhere = Buffer.allocUnsafeSlow(pieceBytes);

/**
 * Has the system read tensors into its cache while a computation blocks the calling thread, so that a later `prefetch` finds them there. This
 * takes no memory of the process, and the system drops its copy if memory is tight. A file that cannot be read is left to that later read.
 */
export function readAhead(infos: Iterable<TensorInfo>): void {
  const all = [...infos];
  for (const file of new Set(all.map((info) => info.file))) {
    const ranges = new Map(all.filter((info) => info.file === file).map(({ begin, end }) => [begin, end]));
    try {
      // Opened synchronously, because a callback would run only after the computation that blocks this thread.
      const descriptor = openSync(file, 'r');
      const pieces = [...ranges].flatMap(([begin, end]) => piecesOf(begin, end));
      void Promise.all(pieces.map((piece) => skim(descriptor, piece))).then(() => { close(descriptor); });
    } catch {
      continue;
    }
  }
}

interface Piece {
  position: number;
  length: number;
}

function piecesOf(begin: number, end: number): Piece[] {
  const count = Math.ceil((end - begin) / pieceBytes);
  return Array.from({ length: count }, (_, index) => {
    const position = begin + index * pieceBytes;
    return { position, length: Math.min(pieceBytes, end - position) };
  });
}

/** Hands one read to libuv's thread pool. */
function skim(descriptor: number, { position, length }: Piece): Promise<void> {
  return new Promise((resolve) => { read(descriptor, nowhere, 0, length, position, () => { resolve(); }); });
}
