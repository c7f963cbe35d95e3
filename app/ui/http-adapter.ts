/** Serves a fetch handler, such as hono's, with Node's own server. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { bodyWithin } from '../http-body.js';

/** Maximum request body in bytes. Our forms have a few hundred. */
const longestBody = 64 * 1024;

export type FetchHandler = (request: Request) => Response | Promise<Response>;

export function serverOf(handler: FetchHandler): Server {
  return createServer((incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch(() => {
      // The client has disconnected, or the handler failed after the response had started.
      outgoing.destroy();
    });
  });
}

async function answer(handler: FetchHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const body = await bodyWithin(incoming, longestBody);
  if (body === undefined) {
    outgoing.writeHead(413, { connection: 'close' }).end();
    return;
  }
  const request = requestOf(incoming, body);
  if (request === undefined) {
    outgoing.writeHead(400, { connection: 'close' }).end();
    return;
  }
  const response = await handler(request);
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  outgoing.writeHead(response.status, headers);
  if (response.body === null || incoming.method === 'HEAD') {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  await send(response.body, outgoing);
}

/** Returns undefined if the address or the headers are not valid. */
function requestOf({ url = '/', method = 'GET', headers: raw }: IncomingMessage, body: Buffer): Request | undefined {
  try {
    const headers = new Headers();
    for (const [name, value] of Object.entries(raw)) for (const one of [value ?? []].flat()) headers.append(name, one);
    // The guard checks the requested host. For the address itself, any host works.
    return new Request(new URL(`http://localhost${url.startsWith('/') ? url : '/'}`), { method, headers, ...(body.length > 0 && { body: new Uint8Array(body) }) });
  } catch {
    return undefined;
  }
}

/** Sends at the reader's pace. If the reader disconnects, cancels the source. */
async function send(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) {
    await body.cancel();
    return;
  }
  const reader = body.getReader();
  outgoing.on('close', () => void reader.cancel().catch(() => undefined));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!outgoing.write(value) && !outgoing.destroyed) await new Promise<void>((resolve) => outgoing.once('drain', resolve).once('close', resolve));
  }
  outgoing.end();
}

/** A file or another of Node's streams as the body of a response. */
export const bodyFrom = (stream: Readable): ReadableStream => Readable.toWeb(stream) as ReadableStream;
