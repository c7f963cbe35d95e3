import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Bytes read at a time. */
const pieceBytes = 1 << 20;

/** A SHA-256 that has consumed a whole file and can be updated further. @throws the system's error */
export async function hashOf(file: string): Promise<Hash> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: pieceBytes })) hash.update(piece as Buffer);
  return hash;
}

/** SHA-256 of a file, in hexadecimal. @throws the system's error */
export async function sha256Of(file: string): Promise<string> {
  return (await hashOf(file)).digest('hex');
}
