import { createServer } from 'node:http';
import { HealthAddressError } from '../cli/errors.js';
import { listen } from './listen.js';

/** What a worker reports about itself. */
export interface Health {
  /** It serves its task queue, and the Temporal server has answered recently. */
  ready: boolean;
  state: 'starting' | 'serving' | 'stopping';
  taskQueue: string;
  /** Workflow id of the run that it is working on. */
  run: string | null;
  /** Seconds since the Temporal server's last answer. */
  serverSilence: number;
}

/** Splits an address such as `127.0.0.1:9465` or `[::1]:9465` into host and port. @throws HealthAddressError */
export function parseAddress(address: string, option: string): { host: string; port: number } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw new HealthAddressError({ where: option, what: `${JSON.stringify(address)} is not an address`, expected: 'host:port, such as 127.0.0.1:9465', remedy: 'Correct it' });
  return { host, port: Number(port) };
}

/**
 * Answers `GET /healthz` (200 while the process lives) and `GET /readyz` (200 if it is ready for work, else 503), with the health as JSON.
 * @returns the URL, and a function that stops the server
 * @throws HealthAddressError if the address cannot be used
 */
export async function serveHealth(address: string, health: () => Health): Promise<{ url: string; end: () => void }> {
  const { host, port } = parseAddress(address, '--health');
  const server = createServer((request, response) => {
    // Nothing from the network may end the worker: `//` is a target that cannot be parsed as a URL.
    const [path] = (request.url ?? '/').split('?', 1);
    const known = path === '/healthz' || path === '/readyz';
    const state = health();
    response.writeHead(!known ? 404 : path === '/readyz' && !state.ready ? 503 : 200, { 'Content-Type': 'application/json' });
    response.end(known && request.method !== 'HEAD' ? `${JSON.stringify(state)}\n` : '');
  });
  // A probe must not keep a worker from ending.
  server.unref();
  const url = await listen(server, { host, port }, address, (text, cause) => new HealthAddressError({ where: '--health', ...text }, { cause }));
  return { url, end: () => { server.close(); server.closeAllConnections(); } };
}
