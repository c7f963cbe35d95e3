import { existsSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { connectClient } from './client.js';
import { connectionFromEnvironment, localConnection, type ConnectionSettings } from './connection.js';
import { ServerUnreachableError } from './errors.js';
import { superviseServer, type Say } from './local/supervise-server.js';
import { ensureLocalServer, leaveLocalServer } from './local/local-server.js';
import { runningServer, serverAddress, serverPage } from './local/server-record.js';
import { statePaths } from './state.js';

/** A connected client, and how to release it. */
export interface Session {
  client: Client;
  /** The message about the server for a person. */
  description: string;
  /** Address of the server's web page, if known: for a local server, and for Temporal's cloud. */
  page?: string;
  /** Disconnects. The last user of a local server stops it. */
  close(): Promise<void>;
}

export interface SessionOptions {
  signal?: AbortSignal;
  /** If given, a local server that dies during the session is restarted, and this is called with a line about it. */
  say?: Say;
}

/** Whether commands talk to this state's local server, which runs only while somebody uses it. */
export const usesLocalServer = (): boolean => connectionFromEnvironment() === undefined;

/** False if a local server would have to be created first, so that it knows nothing yet. */
export const hasServer = (state: string): boolean => !usesLocalServer() || existsSync(statePaths.serverDatabase(state));

/**
 * Connects to the server that the environment names, otherwise to this state's local server, which is started if needed.
 * @throws ServerUnreachableError, LocalServerError, TemporalCliMissingError, ConnectionConfigError
 */
export async function openSession(state: string, { signal, say }: SessionOptions = {}): Promise<Session> {
  const named = connectionFromEnvironment();
  if (named !== undefined) return await connect(named, namedDescription(named), cloudPage(named));
  const closed = new AbortController();
  let keeping = Promise.resolve();
  const leave = async (): Promise<void> => {
    closed.abort();
    await keeping;
    await leaveLocalServer(state);
  };
  try {
    const server = await ensureLocalServer(state, { signal });
    if (say !== undefined) keeping = superviseServer(state, closed.signal, say);
    return await connect(localConnection(serverAddress(server)), localDescription(server), serverPage(server), leave);
  } catch (error) {
    await leave();
    throw error;
  }
}

/**
 * Connects to the server that the environment names, otherwise to this state's local server, which must be running.
 * @throws ServerUnreachableError, ConnectionConfigError
 */
export async function joinSession(state: string): Promise<Session> {
  const named = connectionFromEnvironment();
  if (named !== undefined) return await connect(named, namedDescription(named), cloudPage(named));
  const server = await runningServer(state);
  if (server === undefined) {
    throw new ServerUnreachableError({
      what: 'no Temporal server is running for this state, and the environment names none',
      where: state,
      remedy: 'Start a worker with `npx temporal-pipeline worker` (it also starts a server), or set TEMPORAL_ADDRESS',
    });
  }
  return await connect(localConnection(serverAddress(server)), localDescription(server), serverPage(server));
}

function namedDescription({ options, namespace }: ConnectionSettings): string {
  return `Temporal server ${options.address}, namespace ${namespace}`;
}

function localDescription(server: { port: number; uiPort: number }): string {
  return `Temporal server ${serverAddress(server)} (local; web page ${serverPage(server)})`;
}

/** The address of the page of any other server is not known. */
function cloudPage({ options: { address } }: ConnectionSettings): string | undefined {
  return /\.(tmprl\.cloud|api\.temporal\.io)(:\d+)?$/.test(address) ? 'https://cloud.temporal.io' : undefined;
}

async function connect(settings: ConnectionSettings, description: string, page: string | undefined, leave?: () => Promise<void>): Promise<Session> {
  const client = await connectClient(settings);
  const close = async (): Promise<void> => {
    await client.connection.close();
    await leave?.();
  };
  return { client, description, ...(page !== undefined && { page }), close };
}
