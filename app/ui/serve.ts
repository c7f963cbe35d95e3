import type { AddressInfo } from 'node:net';
import { CommandLineError } from '../cli/errors.js';
import { newGuard } from './guard.js';
import { serverOf } from './http-adapter.js';
import { uiRoutes, type UiOptions } from './routes.js';

export interface Ui {
  /** The address with the token. Anyone who has it may do everything. */
  address: string;
  close(): Promise<void>;
}

/**
 * Serves the live view on loopback.
 * @param port 0 picks a free port
 * @throws CommandLineError if something already listens on the port
 */
export async function serveUi(options: UiOptions, port: number): Promise<Ui> {
  let listening = port;
  const guard = newGuard(() => listening);
  const app = uiRoutes(options, guard);
  const server = serverOf((request) => app.fetch(request));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const what = cause.code === 'EADDRINUSE' ? `port ${port} is taken` : `cannot listen on port ${port}: ${cause.message}`;
      reject(new CommandLineError({ where: '--port', what, remedy: 'Choose another port, or leave it out' }, { cause }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  listening = (server.address() as AddressInfo).port;
  server.on('error', () => undefined);
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return { address: `http://127.0.0.1:${listening}/?token=${guard.token}`, close };
}
