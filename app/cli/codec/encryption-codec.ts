import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { PayloadKeyError } from '../errors.js';
import type { PayloadKeys } from './payload-keys.js';

/*
 * The format of Temporal's own encryption samples, so that a codec server based on them can serve Temporal's web page: the whole payload as
 * protobuf, AES-256-GCM, a nonce of 12 bytes in front and a tag of 16 bytes behind.
 */
const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const encoding = 'binary/encrypted';

const PayloadMessage = proto.temporal.api.common.v1.Payload;
const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

/**
 * Encrypts every payload with the current key, and decrypts with the key that a payload names. Without keys it writes plain payloads, and
 * rejects encrypted ones instead of passing on unreadable bytes.
 */
export class EncryptionCodec implements PayloadCodec {
  private readonly warned = new Set<string>();

  constructor(
    private readonly keys: PayloadKeys | undefined,
    private readonly onLocked?: (why: string) => void,
  ) {}

  encode(payloads: Payload[]): Promise<Payload[]> {
    const { keys } = this;
    return Promise.resolve(keys === undefined ? payloads : payloads.map((payload) => encrypt(payload, keys)));
  }

  /** Rejects with PayloadKeyError if the key is missing or wrong. */
  decode(payloads: Payload[]): Promise<Payload[]> {
    try {
      return Promise.resolve(payloads.map((payload) => (text(payload.metadata?.['encoding']) === encoding ? decrypt(payload, this.keys) : payload)));
    } catch (error) {
      const why = error as Error;
      this.warnOnce(why.message);
      return Promise.reject(why);
    }
  }

  private warnOnce(why: string): void {
    if (!this.warned.has(why)) this.onLocked?.(why);
    this.warned.add(why);
  }
}

function encrypt(payload: Payload, { current, byId }: PayloadKeys): Payload {
  const key = byId.get(current);
  if (key === undefined) throw new TypeError(`no key ${current}`);
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce);
  const sealed = [nonce, sealing.update(PayloadMessage.encode(payload).finish()), sealing.final(), sealing.getAuthTag()];
  return { metadata: { encoding: Buffer.from(encoding), 'encryption-key-id': Buffer.from(current) }, data: Buffer.concat(sealed) };
}

function decrypt({ metadata, data }: Payload, keys: PayloadKeys | undefined): Payload {
  const id = text(metadata?.['encryption-key-id']);
  const where = `payload encrypted with key ${JSON.stringify(id)}`;
  const key = keys?.byId.get(id);
  if (key === undefined) {
    const what = keys === undefined ? 'this process has no payload key' : `this process only has other keys: ${[...keys.byId.keys()].join(', ')}`;
    throw new PayloadKeyError({ where, what, remedy: 'Set LLM_BARBER_PAYLOAD_KEY_FILE (or LLM_BARBER_PAYLOAD_KEY) to keys that include this one, as for the process that wrote the payload' });
  }
  const sealed = Buffer.from(data ?? []);
  try {
    const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
    opening.setAuthTag(sealed.subarray(Math.max(nonceBytes, sealed.length - tagBytes)));
    const plain = Buffer.concat([opening.update(sealed.subarray(nonceBytes, -tagBytes)), opening.final()]);
    return PayloadMessage.decode(plain);
  } catch (cause) {
    throw new PayloadKeyError({ where, what: 'the payload cannot be decrypted', expected: `bytes that were encrypted with key ${id}`, remedy: 'Two different keys have this id, or the bytes were changed: compare the key files' }, { cause });
  }
}
