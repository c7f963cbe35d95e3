/** Reporting the end of a run to an address. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Webhook } from '../../../app/operate/webhook.js';
import { rememberSecret } from '../../../errors/secrets.js';
import type { EndedRun } from '../../../workflows/run-end.js';

const got: { body: string; headers: IncomingHttpHeaders }[] = [];
let statuses: number[] = [];
let keepsOpen = false;
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => {
    got.push({ body, headers: request.headers });
    response.writeHead(statuses.shift() ?? 200);
    // Some servers keep the body open.
    if (keepsOpen) response.flushHeaders();
    else response.end();
  });
});
let url: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=of-the-hook`;
});
afterEach(() => void (got.length = 0));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const run: EndedRun = {
  workflowId: 'small-1', runId: 'r', name: 'small', status: 'gateFailed', at: '2026-11-30T12:00:00.000Z', perplexity: { rebuilt: { c4: 7.12345 } },
  gates: [{ gate: 'good', asked: 'rebuilt perplexity <= 7', found: 7.12345, passed: false }],
};

async function send(failures: string[], ended = run, secret?: string): Promise<void> {
  const webhook = new Webhook({ url, onFailure: (why) => failures.push(why), firstPauseMs: 1, ...(secret && { secret }) });
  webhook.send(ended);
  await webhook.settle();
}

it('describes the run for programs and for people, and signs the message', async () => {
  const failures: string[] = [];
  await send(failures, run, 'between-us');
  expect(failures).toEqual([]);
  expect(JSON.parse(got[0].body)).toMatchObject({ event: 'run.ended', status: 'gateFailed', workflowId: 'small-1', text: 'small is done, but 1 of 1 quality gates failed (good), perplexity of c4 7.123' });
  expect(got[0].headers['x-signature-256']).toBe(`sha256=${createHmac('sha256', 'between-us').update(got[0].body).digest('hex')}`);
});

it('retries while the receiver has trouble, and gives up if it refuses', async () => {
  const failures: string[] = [];
  statuses = [503, 429, 200];
  await send(failures);
  expect([got.length, failures]).toEqual([3, []]);
  statuses = [404];
  await send(failures);
  expect(got).toHaveLength(4);
  expect(failures).toEqual([expect.stringMatching(/^the webhook http:\/\/127\.0\.0\.1:\d+ was not notified that small-1 ended \(status 404\)$/)]);
});

it('counts a message as delivered once the receiver accepts it, even if the body stays open', async () => {
  const failures: string[] = [];
  keepsOpen = true;
  await send(failures);
  keepsOpen = false;
  expect([got.length, failures]).toEqual([1, []]);
});

it('reveals no secret, and no key in the address', async () => {
  rememberSecret('a-token-of-the-hub');
  const failures: string[] = [];
  statuses = [400];
  await send(failures, { ...run, status: 'failed', error: { type: 'HubAccessError', message: 'refused a-token-of-the-hub' } });
  expect(got[0].body).toContain('refused [secret]');
  expect(failures[0]).not.toContain('of-the-hook');
});
