import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import path from 'node:path';

/** The ports of gRPC and of the web page. */
export interface Ports {
  port: number;
  uiPort: number;
}

/** Below the ports that systems use for outgoing connections. */
const firstPort = 20_000;
const portPairs = 6_000;
/** Start of the range of ports that belong to no state. */
const lowestFreePort = 12_000;

/**
 * Returns the ports of a state's server: always the same for one state, and hardly ever those of another state. Otherwise another state's
 * server could take the port of a killed server while its clients still use it.
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
 * Returns a loopback port that was free a moment ago. It is below the range that systems use for outgoing connections: a port of that range
 * can be taken by any connection that opens before the caller listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowestFreePort + Math.floor(Math.random() * (firstPort - lowestFreePort));
    if (await isFree(port)) return port;
  }
}
