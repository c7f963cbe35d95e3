import type { Client } from '@temporalio/client';
import { connectClient } from './client.js';
import { connectionFromEnvironment, localConnection, type ConnectionSettings } from './connection.js';
import { ServerUnreachableError } from './errors.js';
import { ensureLocalServer, leaveLocalServer } from './local/local-server.js';
import { runningServer, serverAddress, serverPage } from './local/server-record.js';

/** A connected client, and what has to be let go afterwards. */
export interface Session {
  client: Client;
  settings: ConnectionSettings;
  /** What the person is told about the server. */
  description: string;
  /** Disconnects; the last user of a local server stops it. */
  close(): Promise<void>;
}

/**
 * Connects to the server that the environment names, else to this state's local one, which is brought up if need be.
 * @throws ServerUnreachableError, LocalServerError, TemporalCliMissingError, ConnectionConfigError
 */
export async function openSession(state: string, signal?: AbortSignal): Promise<Session> {
  const named = connectionFromEnvironment();
  if (named !== undefined) return await connect(named, `Temporal server ${named.options.address}, namespace ${named.namespace}`);
  try {
    const server = await ensureLocalServer(state, { signal });
    return await connect(localConnection(serverAddress(server)), localDescription(server), () => leaveLocalServer(state));
  } catch (error) {
    await leaveLocalServer(state);
    throw error;
  }
}

/**
 * Connects to the server that the environment names, else to this state's local one, which must be running.
 * @throws ServerUnreachableError, ConnectionConfigError
 */
export async function joinSession(state: string): Promise<Session> {
  const named = connectionFromEnvironment();
  if (named !== undefined) return await connect(named, `Temporal server ${named.options.address}, namespace ${named.namespace}`);
  const server = await runningServer(state);
  if (server === undefined) {
    throw new ServerUnreachableError({
      what: 'no Temporal server is running for this state, and the environment names none',
      where: state,
      todo: 'Start a worker with `npx temporal-pipeline worker` (it brings a server up), or set TEMPORAL_ADDRESS',
    });
  }
  return await connect(localConnection(serverAddress(server)), localDescription(server));
}

function localDescription(server: { port: number; uiPort: number }): string {
  return `Temporal server ${serverAddress(server)} (local; web page ${serverPage(server)})`;
}

async function connect(settings: ConnectionSettings, description: string, leave?: () => Promise<void>): Promise<Session> {
  const client = await connectClient(settings);
  const close = async (): Promise<void> => {
    await client.connection.close();
    await leave?.();
  };
  return { client, settings, description, close };
}
