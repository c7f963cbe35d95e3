import type { FileHandle } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { readPiece } from '../../../files/artifacts/read-piece.js';

it('reads in parts what is longer than the system reads at once', async () => {
  const reads: number[] = [];
  let told = 0;
  // Memory that is never written takes no space. A system sometimes reads less than it was asked for.
  const piece = new Uint8Array(2 ** 31 + 10);
  const file = {
    read: (_: Uint8Array, at: number, length: number) => {
      expect(at).toBe(reads.reduce((sum, one) => sum + one, 0));
      if (length > 2 ** 31 - 1) throw new RangeError('ERR_OUT_OF_RANGE');
      reads.push(reads.length === 1 ? 1000 : length);
      return Promise.resolve({ bytesRead: reads[reads.length - 1], buffer: piece });
    },
  } as unknown as Pick<FileHandle, 'read'>;
  expect(await readPiece(file, piece, (bytes) => { told += bytes.length; })).toBe(piece.length);
  expect(told).toBe(piece.length);
  expect(reads.length).toBeGreaterThan(2);
});

it('says how much there was if the file ends early', async () => {
  let left = 5;
  const file = { read: () => Promise.resolve({ bytesRead: left > 3 ? (left -= 3, 3) : 0 }) } as unknown as Pick<FileHandle, 'read'>;
  expect(await readPiece(file, new Uint8Array(8), () => undefined)).toBe(3);
});
