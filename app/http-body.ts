import type { IncomingMessage } from 'node:http';

/** Reads the body of a request; returns undefined if it has more than `most` bytes. */
export async function bodyWithin(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
