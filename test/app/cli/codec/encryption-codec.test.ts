import { createDecipheriv, randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EncryptionCodec } from '../../../../app/cli/codec/encryption-codec.js';
import { payloadKeysFromEnvironment } from '../../../../app/cli/codec/payload-keys.js';
import { PayloadKeyError } from '../../../../app/cli/errors.js';

const first = randomBytes(32);
const second = randomBytes(32);
const codec = (...keys: string[]): EncryptionCodec => new EncryptionCodec(keys.length === 0 ? undefined : payloadKeysFromEnvironment({ LLM_BARBER_PAYLOAD_KEY: keys.join('\n') }));
const k1 = `k1:${first.toString('base64')}`;
const k2 = `k2:${second.toString('base64')}`;
const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (payload: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(payload as Payload);

describe('EncryptionCodec', () => {
  it('decrypts what it encrypted, and writes no plain text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 4 }), async (values) => {
        const plain = values.map(payloadOf);
        const sealed = await codec(k1).encode(plain);
        expect((await codec(k1).decode(sealed)).map(valueOf)).toEqual(plain.map(valueOf));
        for (const [i, { data, metadata }] of sealed.entries()) {
          expect(Object.keys(metadata ?? {}).sort()).toEqual(['encoding', 'encryption-key-id']);
          const bytes = Buffer.from(plain[i]?.data ?? []);
          if (bytes.length > 7) expect(Buffer.from(data ?? []).includes(bytes)).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("has the format of Temporal's samples: nonce, protobuf under AES-256-GCM, tag", async () => {
    const [sealed] = await codec(k1).encode([payloadOf({ a: 1 })]);
    const bytes = Buffer.from(sealed?.data ?? []);
    const opening = createDecipheriv('aes-256-gcm', first, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(-16));
    const payload = proto.temporal.api.common.v1.Payload.decode(Buffer.concat([opening.update(bytes.subarray(12, -16)), opening.final()]));
    expect(Buffer.from(payload.data).toString()).toBe('{"a":1}');
    expect(Buffer.from(payload.metadata['encoding'] ?? []).toString()).toBe('json/plain');
  });

  it('never reuses a nonce', async () => {
    const sealed = await codec(k1).encode(Array.from({ length: 500 }, () => payloadOf('same')));
    expect(new Set(sealed.map(({ data }) => Buffer.from(data ?? []).subarray(0, 12).toString('hex'))).size).toBe(500);
  });

  it('writes with a new first key, and still reads what the old one wrote', async () => {
    const old = await codec(k1).encode([payloadOf('old')]);
    const rotated = codec(k2, k1);
    const [fresh] = await rotated.encode([payloadOf('new')]);
    expect(Buffer.from(fresh?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('k2');
    expect(valueOf((await rotated.decode(old))[0])).toBe('old');
    await expect(codec(k1).decode([fresh])).rejects.toThrow('payload encrypted with key "k2": this process only has other keys: k1. Set LLM_BARBER_PAYLOAD_KEY_FILE');
  });

  it('reads plain payloads with and without keys, and writes plain ones without keys', async () => {
    const plain = [payloadOf('plain')];
    expect(await codec().encode(plain)).toEqual(plain);
    expect(await codec().decode(plain)).toEqual(plain);
    expect(await codec(k1).decode(plain)).toEqual(plain);
  });

  it('reports a missing key, once to the listener and each time to the caller', async () => {
    const sealed = await codec(k1).encode([payloadOf('secret')]);
    const told: string[] = [];
    const blind = new EncryptionCodec(undefined, (why) => told.push(why));
    for (let i = 0; i < 3; i++) await expect(blind.decode(sealed)).rejects.toBeInstanceOf(PayloadKeyError);
    expect(told).toEqual([expect.stringMatching(/^payload encrypted with key "k1": this process has no payload key\./)]);
  });

  it('refuses bytes that were changed, cut, or encrypted with another key of the same id', async () => {
    const [sealed] = await codec(k1).encode([payloadOf({ secret: 'of some length' })]);
    const bytes = Buffer.from(sealed?.data ?? []);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ by;
        await expect(codec(k1).decode([{ ...sealed, data: changed }])).rejects.toThrow(/key "k1": the payload cannot be decrypted/);
        await expect(codec(k1).decode([{ ...sealed, data: bytes.subarray(0, at) }])).rejects.toThrow(/the payload cannot be decrypted/);
      }),
    );
    await expect(codec(`k1:${second.toString('base64')}`).decode([sealed])).rejects.toThrow(/the payload cannot be decrypted; expected bytes that were encrypted with key k1/);
  });
});
