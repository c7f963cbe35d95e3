import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveHealth, type Health } from '../../../app/operate/health.js';

let server: Awaited<ReturnType<typeof serveHealth>>;
let ready = true;
beforeAll(async () => {
  server = await serveHealth('127.0.0.1:0', () => ({ ready }) as Health);
});
afterAll(() => { server.end(); });

/** Sends a raw request, and returns the first line of the answer. */
async function answerTo(target: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.end(`GET ${target} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n`);
  let answer = '';
  socket.on('data', (part: Buffer) => (answer += part.toString()));
  await once(socket, 'close');
  return answer.split('\r\n')[0];
}

it('answers every request, and keeps running', async () => {
  for (const target of ['//', '/%', '/../..', 'http://', '*', `/${'a'.repeat(5000)}`]) expect(await answerTo(target)).toBe('HTTP/1.1 404 Not Found');
  expect(await answerTo('/healthz?probe=1')).toBe('HTTP/1.1 200 OK');
  ready = false;
  expect([await answerTo('/healthz'), await answerTo('/readyz')]).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 503 Service Unavailable']);
});
