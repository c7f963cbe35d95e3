import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CompressionCodec } from '../../../../app/cli/codec/compression-codec.js';
import { dataConverter } from '../../../../app/cli/codec/data-converter.js';

const codec = new CompressionCodec();
const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (payload: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(payload as Payload);
const small = { a: 'x'.repeat(1_000_000) };
const large = { a: 'x'.repeat(3_000_000), b: [1.5, null] };

describe('CompressionCodec', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('compresses large payloads, and leaves the others unchanged', async () => {
    const plain = [payloadOf(small), payloadOf(large), payloadOf(undefined)];
    const sent = await codec.encode(plain);
    expect(sent[0]).toBe(plain[0]);
    expect(sent[2]).toBe(plain[2]);
    expect(sent[1]?.data?.length).toBeLessThan(10_000);
    expect((await codec.decode(sent)).map(valueOf)).toEqual([small, large, undefined]);
  });

  it('compresses before it encrypts', async () => {
    vi.stubEnv('LLM_BARBER_PAYLOAD_KEY', `k:${randomBytes(32).toString('base64')}`);
    const codecs = dataConverter().payloadCodecs ?? [];
    let payloads = [payloadOf(large)];
    for (const one of codecs) payloads = await one.encode(payloads);
    expect(payloads[0]?.data?.length).toBeLessThan(10_000);
    for (const one of codecs.toReversed()) payloads = await one.decode(payloads);
    expect(valueOf(payloads[0])).toEqual(large);
  });

  it('refuses a small payload that expands too far', async () => {
    const bomb = gzipSync(proto.temporal.api.common.v1.Payload.encode({ data: Buffer.alloc(65 * 2 ** 20) }).finish());
    await expect(codec.decode([{ metadata: { encoding: Buffer.from('binary/gzip') }, data: bomb }])).rejects.toThrow(RangeError);
  });
});
