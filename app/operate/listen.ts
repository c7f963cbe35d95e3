import { once } from 'node:events';
import type { Server } from 'node:http';
import type { FaultText } from '../../errors/fault.js';

/**
 * Listens at `address`, already parsed into host and port, and survives later errors of the server.
 * @param refused returns the error for an address that cannot be used
 * @returns the URL
 */
export async function listen(server: Server, { host, port }: { host: string; port: number }, address: string, refused: (text: FaultText, cause: unknown) => Error): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw refused({ what: `${address} cannot be used (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, expected: 'a free port of this machine', remedy: 'Choose another one' }, cause);
  }
  server.on('error', () => undefined);
  const at = server.address();
  if (at === null || typeof at === 'string') return '';
  return `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`;
}
