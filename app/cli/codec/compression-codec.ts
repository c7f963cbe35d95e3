import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

const encoding = 'binary/gzip';
/** Smaller payloads stay as they are, for Temporal's web page and for workers of versions without compression. */
const minBytes = 2 ** 20;
/** Maximum expanded size. Without it a small payload could fill the memory. */
const maxBytes = 64 * 2 ** 20;

const PayloadMessage = proto.temporal.api.common.v1.Payload;
const [compress, expand] = [promisify(gzip), promisify(gunzip)];

/**
 * Compresses large payloads. A server takes at most 2 MB for a workflow's argument, result or state. The state of a sweep with 2,000
 * members is larger, and nearly all of it is repetition.
 */
export class CompressionCodec implements PayloadCodec {
  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(payloads.map(async (payload) => {
      if ((payload.data?.length ?? 0) < minBytes) return payload;
      return { metadata: { encoding: Buffer.from(encoding) }, data: await compress(PayloadMessage.encode(payload).finish()) };
    }));
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(payloads.map(async (payload) => {
      if (Buffer.from(payload.metadata?.['encoding'] ?? []).toString() !== encoding) return payload;
      const { metadata, data } = PayloadMessage.decode(await expand(payload.data ?? Buffer.alloc(0), { maxOutputLength: maxBytes }));
      return { metadata, data };
    }));
  }
}
