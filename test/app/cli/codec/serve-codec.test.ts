/** The codec server, with requests as Temporal's web page and command line send them. */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTemporal } from '#setup/paths.mjs';
import { CompressionCodec } from '../../../../app/cli/codec/compression-codec.js';
import { EncryptionCodec } from '../../../../app/cli/codec/encryption-codec.js';
import { payloadKeysFromEnvironment } from '../../../../app/cli/codec/payload-keys.js';
import { serveCodec } from '../../../../app/cli/codec/serve-codec.js';
import { requireTemporalCli } from '../../../helpers/set-up.js';
import { ownNamespace } from '../../../helpers/shared-server.js';
import { runCommand } from '../run-command.js';

requireTemporalCli();

const page = 'https://cloud.temporal.io';
const key = `k1:${randomBytes(32).toString('base64')}`;
const codecsOf = (text: string) => [new CompressionCodec(), new EncryptionCodec(payloadKeysFromEnvironment({ LLM_BARBER_PAYLOAD_KEY: text }))];
const codecs = codecsOf(key);
let url: string;
let close: () => Promise<void>;
beforeAll(async () => void ({ url, close } = await serveCodec({ listen: '127.0.0.1:0', origins: [page], codecs })));
afterAll(() => close());

const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
async function encoded(value: unknown, by = codecs): Promise<Payload> {
  let payloads = [payloadOf(value)];
  for (const codec of by) payloads = await codec.encode(payloads);
  return payloads[0];
}
const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
const json = ({ metadata, data }: Payload) => ({ metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)])), data: base64(data) });

interface Answer {
  payloads: { metadata: Record<string, string>; data: string }[];
  message: string;
}
async function ask(payloads: unknown, headers: Record<string, string> = { origin: page }): Promise<{ status: number; headers: Headers; body: Answer }> {
  const response = await fetch(`${url}/decode`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-namespace': 'default', ...headers }, body: typeof payloads === 'string' ? payloads : JSON.stringify({ payloads }) });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
}
const valueOf = ({ data }: { data: string }): unknown => JSON.parse(Buffer.from(data, 'base64').toString('utf8'));

it('decrypts what clients wrote, compressed or not, and passes on plain payloads', async () => {
  const values = [{ name: 'secret' }, 'x'.repeat(2 ** 20)];
  const { status, headers, body } = await ask([...(await Promise.all(values.map((value) => encoded(value)))), payloadOf('plain')].map(json));
  expect(status).toBe(200);
  expect(body.payloads.map(valueOf)).toEqual([...values, 'plain']);
  expect(Buffer.from(body.payloads[0].metadata['encoding'], 'base64').toString()).toBe('json/plain');
  expect(headers.get('access-control-allow-origin')).toBe(page);
});

describe('answers only the page of Temporal', () => {
  it('in the preflight request of a browser', async () => {
    const preflight = (origin: string) => fetch(`${url}/decode`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,x-namespace' } });
    const allowed = await preflight(page);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(page);
    expect(allowed.headers.get('access-control-allow-headers')).toMatch(/Content-Type, X-Namespace/);
    for (const origin of ['https://elsewhere.example', 'https://cloud.temporal.io.example', 'http://cloud.temporal.io', 'null']) {
      const refused = await preflight(origin);
      expect(refused.status).toBe(403);
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('also in a request without preflight', async () => {
    const { status, body } = await ask([json(await encoded('secret'))], { origin: 'https://elsewhere.example', 'content-type': 'text/plain' });
    expect(status).toBe(403);
    expect(JSON.stringify(body)).not.toContain('payloads');
  });

  it('and encrypts no payloads for anyone', async () => {
    expect((await fetch(`${url}/encode`, { method: 'POST', headers: { origin: page }, body: JSON.stringify({ payloads: [json(payloadOf('x'))] }) })).status).toBe(404);
  });
});

describe('reports the error', () => {
  it('for a missing key, with its id', async () => {
    const { status, body } = await ask([json(await encoded('secret', codecsOf(key.replace('k1', 'k2'))))]);
    expect(status).toBe(400);
    expect(body.message).toMatch(/payload encrypted with key "k2": this process only has other keys: k1/);
  });

  it.each(['{', '{}', '[]', '{"payloads": [null]}', '{"payloads": [{"metadata": {"encoding": 5}}]}'])('for something that is not a list of payloads: %s', async (text) => {
    expect(await ask(text)).toMatchObject({ status: 400, body: { message: expect.stringContaining('Expected {"payloads"') as string } });
  });

  it('on the command line: no page, no key, a port in use', async () => {
    const env = { LLM_BARBER_PAYLOAD_KEY: key };
    expect(await runCommand(['codec'], { env })).toMatchObject({ code: 2, stderr: expect.stringContaining('--origin: it is missing') as string });
    expect(await runCommand(['codec', '--origin', page])).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no payload key') as string });
    expect(await runCommand(['codec', '--origin', 'temporal'], { env })).toMatchObject({ code: 2, stderr: expect.stringContaining('temporal is not the address of a page') as string });
    expect(await runCommand(['codec', '--origin', page, '--listen', new URL(url).host], { env })).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be used (EADDRINUSE)') as string });
  });
});

it('shows the input of a run to the Temporal command line', async () => {
  const { client, env } = await ownNamespace('codec');
  try {
    const writer = new Client({ connection: client.connection, namespace: env.TEMPORAL_NAMESPACE, dataConverter: { payloadCodecs: codecs } });
    const workflowId = randomUUID();
    await writer.workflow.start('nobody-serves-this', { workflowId, taskQueue: 'nobody', args: [{ name: 'a secret name' }] });
    const show = async (...words: string[]): Promise<string> => (await promisify(execFile)(findTemporal()!, ['workflow', 'show', '--workflow-id', workflowId, '--output', 'json', ...words], { env: { ...process.env, ...env } })).stdout;
    const shown = Buffer.from(JSON.stringify({ name: 'a secret name' })).toString('base64');
    expect(await show()).not.toContain(shown);
    expect(await show('--codec-endpoint', url)).toContain(shown);
  } finally {
    await client.connection.close();
  }
});
