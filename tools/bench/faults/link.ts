import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP connection between workers and server that can be cut. */
export interface Link {
  /** `127.0.0.1:port`, which leads to the server. */
  address: string;
  /** Breaks all connections, and refuses new ones until `join`. */
  cut(): void;
  join(): void;
  close(): Promise<void>;
}

export async function openLink(upstream: () => string): Promise<Link> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const [host = '', port = ''] = upstream().split(':');
    const far = connect(Number(port), host);
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      breakAll();
    },
    join: () => {
      isCut = false;
    },
    close: async () => {
      breakAll();
      await new Promise((closed) => server.close(closed));
    },
  };
}
