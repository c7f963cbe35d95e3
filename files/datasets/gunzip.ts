import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

/** Unpacks a gzip file in pieces of at most 1 MiB. A caller that stops early does not read the rest of the file. */
export async function* gunzip(file: string): AsyncGenerator<Buffer> {
  const input = createReadStream(file, { highWaterMark: 1 << 20 });
  const unpacked = createGunzip({ chunkSize: 1 << 20 });
  input.on('error', (error) => unpacked.destroy(error)).pipe(unpacked);
  try {
    yield* unpacked as AsyncIterable<Buffer>;
  } finally {
    input.destroy();
    unpacked.destroy();
  }
}
