import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import path from 'node:path';

/** Of gRPC, and of the web page. */
export interface Ports {
  port: number;
  uiPort: number;
}

/** Below the ports that systems give to outgoing connections. */
const firstPort = 20_000;
const portPairs = 6_000;
/** Ports that no state has as its own. */
const lowestFreePort = 12_000;

/**
 * The ports of a state's server: always the same for one state, hardly ever those of another. A server that was killed must not
 * find that another state's has taken its port, while its clients keep asking there.
 */
export function portsOf(state: string): Ports {
  const pair = createHash('sha256').update(path.resolve(state)).digest().readUInt32BE(0) % portPairs;
  return { port: firstPort + 2 * pair, uiPort: firstPort + 2 * pair + 1 };
}

/** Whether nothing listens on that loopback port. */
export async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/**
 * A loopback port that was free a moment ago. It is below the range that systems give to outgoing connections: a port of that
 * range can be taken by any connection that opens before the caller listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowestFreePort + Math.floor(Math.random() * (firstPort - lowestFreePort));
    if (await isFree(port)) return port;
  }
}
