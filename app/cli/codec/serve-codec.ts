import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { bodyWithin } from '../../http-body.js';
import { parseAddress } from '../../operate/health.js';
import { listen } from '../../operate/listen.js';
import { CommandLineError, PayloadKeyError } from '../errors.js';

export interface CodecServerOptions {
  /** `host:port`; port 0 picks a free port. */
  listen: string;
  /** Origins of the Temporal web pages that may ask, such as `http://127.0.0.1:8233`. All other pages are refused. */
  origins: readonly string[];
  /** In the order in which clients encode. */
  codecs: readonly PayloadCodec[];
  /** Called with the origin of a page that is refused. The page itself cannot read the reason. */
  onRefused?: (origin: string) => void;
}

/** Maximum request body of a page with a large history, in bytes. Temporal's server sends at most 4 MB, here in base64 with names. */
const longestBody = 16 * 2 ** 20;

/**
 * Serves `POST /decode` of Temporal's remote codec protocol: encrypted payloads in, readable ones out, as protobuf's JSON. There is no
 * `/encode`: a page that shows values does not need it, and anyone who could call it could make payloads that workers trust.
 * @throws CommandLineError if it cannot listen on the address
 */
export async function serveCodec({ listen: address, ...options }: CodecServerOptions): Promise<{ url: string; close: () => Promise<void> }> {
  const { host, port } = parseAddress(address, '--listen');
  const server = createServer((request, response) => {
    answer(request, response, options).catch(() => {
      // The client has disconnected.
      response.destroy();
    });
  });
  const url = await listen(server, { host, port }, address, (text, cause) => new CommandLineError({ where: '--listen', ...text }, { cause }));
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { url, close };
}

async function answer(request: IncomingMessage, response: ServerResponse, { origins, codecs, onRefused }: Omit<CodecServerOptions, 'listen'>): Promise<void> {
  const say = (status: number, body: object, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', Vary: 'Origin', ...headers }).end(JSON.stringify(body));
  };
  const { origin } = request.headers;
  // Browsers always name the page that asks. Programs such as Temporal's command line do not.
  if (origin !== undefined && !origins.includes(origin)) {
    onRefused?.(origin);
    return say(403, { message: `Requests from this page are not allowed. If it is Temporal's web page, start the codec server with --origin ${origin}.` });
  }
  const shared: Record<string, string> = origin === undefined ? {} : { 'Access-Control-Allow-Origin': origin };
  const [path] = (request.url ?? '/').split('?', 1);
  if (!/^\/+decode\/?$/.test(path)) return say(404, { message: 'Only POST /decode is supported.' }, shared);
  if (request.method === 'OPTIONS') {
    // The last header is for browsers that ask before a public page may reach this machine.
    response.writeHead(204, { ...shared, Vary: 'Origin', 'Access-Control-Allow-Methods': 'POST', 'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-Namespace', 'Access-Control-Max-Age': '600', 'Access-Control-Allow-Private-Network': 'true' }).end();
    return;
  }
  if (request.method !== 'POST') return say(405, { message: 'Only POST /decode is supported.' }, { ...shared, Allow: 'POST, OPTIONS' });
  const body = await bodyWithin(request, longestBody);
  if (body === undefined) return say(413, { message: `The request body is larger than ${longestBody} bytes.` }, { ...shared, Connection: 'close' });
  const payloads = payloadsOf(body.toString('utf8'));
  if (payloads === undefined) return say(400, { message: 'Expected {"payloads": [{"metadata": {...}, "data": "..."}]} with base64.' }, shared);
  try {
    let plain = payloads;
    for (const codec of codecs.toReversed()) plain = await codec.decode(plain);
    say(200, { payloads: plain.map(toJson) }, shared);
  } catch (error) {
    // The message names the key's id, never a key. Other errors come from bytes that were never encoded.
    say(400, { message: error instanceof PayloadKeyError ? error.message : 'A payload cannot be decoded.' }, shared);
  }
}

/** Parses payloads in protobuf's JSON, with bytes in base64. Returns undefined if the body is not valid. */
function payloadsOf(body: string): Payload[] | undefined {
  try {
    const { payloads } = JSON.parse(body) as { payloads: { metadata?: Record<string, string>; data?: string }[] };
    return payloads.map(({ metadata = {}, data = '' }) => ({
      metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
      data: Buffer.from(data, 'base64'),
    }));
  } catch {
    return undefined;
  }
}

const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');

function toJson({ metadata, data }: Payload): object {
  return { metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)])), data: base64(data) };
}
