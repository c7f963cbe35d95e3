import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { hubSettings, type HubSettings } from '../../../files/hub/index.js';
import { hubJson } from '../../../files/hub/request.js';

// Skip the pauses between attempts, which are not tested here.
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

const body = JSON.stringify({ sha: 'ab'.repeat(20), text: 'ü'.repeat(1000) });
const subject = { type: 'model', repository: 'org/name', revision: 'main' } as const;
const header = { 'Content-Type': 'application/json' };

/** Long enough for a slow machine. Tests wait that long only if the server sends nothing more. */
const patientMs = 30_000;
const impatientMs = 1_500;

let server: Server;
let answers: ((response: ServerResponse) => void)[];
let settings: HubSettings;
beforeEach(async () => {
  answers = [];
  server = createServer((_, response) => { (answers.shift() ?? whole)(response); });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  settings = { ...hubSettings({ HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), idleMs: patientMs };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const whole = (response: ServerResponse): void => void response.writeHead(200, { ...header, Link: '<next>; rel="next"' }).end(body);
/** Sends headers and a part of the body, then closes the connection. */
const cut = (response: ServerResponse): void => {
  response.writeHead(200, { ...header, 'Content-Length': String(Buffer.byteLength(body)) });
  response.write(body.slice(0, 100), () => { response.destroy(); });
};
/** Sends headers and a part of the body, then nothing more. */
const hang = (response: ServerResponse): void => void response.writeHead(200, header).write(body.slice(0, 100));
/** Sends a part of the body as if it were complete. */
const short = (response: ServerResponse): void => void response.writeHead(200, header).end(body.slice(0, 100));
const page = (response: ServerResponse): void => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('\n<!doctype html><title>Sign in</title>');

const ask = (): Promise<Response> => hubJson(settings, subject)(`${settings.endpoint}/api/models/org/name`);

it.each([['is cut off', cut], ['stops', hang], ['is incomplete', short]])('tries again if a body %s after its headers', async (_, broken) => {
  if (broken === hang) settings = { ...settings, idleMs: impatientMs };
  answers = [broken, broken];
  const response = await ask();
  expect(await response.text()).toBe(body);
  expect(response.headers.get('link')).toBe('<next>; rel="next"');
});

it.each([['is cut off', cut], ['stops', hang], ['is incomplete', short]])('fails with a temporary error if a body always %s', async (_, broken) => {
  if (broken === hang) settings = { ...settings, idleMs: impatientMs };
  answers = Array.from({ length: 5 }, () => broken);
  await expect(ask()).rejects.toMatchObject({ name: 'HubUnreachableError', retryable: true });
  expect(answers).toEqual([]);
});

it('reports at once that the network answers with its own page', async () => {
  answers = [page];
  await expect(ask()).rejects.toMatchObject({ name: 'HubProtocolError', retryable: false, message: expect.stringContaining('a web page instead of JSON') as string });
});
