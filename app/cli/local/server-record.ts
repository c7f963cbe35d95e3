import path from 'node:path';
import { statePaths } from '../state.js';
import { isAlive, readJson, writeJson, type ProcessIdentity } from './process-records.js';

/** This state's own Temporal server: gRPC and web page on loopback, database in the state folder. */
export interface LocalServer extends ProcessIdentity {
  port: number;
  uiPort: number;
}

const recordFile = (state: string) => path.join(statePaths.server(state), 'server.json');

/** Log of the local server's own output. */
export const serverLog = (state: string): string => path.join(statePaths.logs(state), 'server.log');
export const serverAddress = (server: { port: number }): string => `127.0.0.1:${server.port}`;
export const serverPage = (server: { uiPort: number }): string => `http://127.0.0.1:${server.uiPort}`;

/** Returns the local server of this state if its process is alive. */
export async function runningServer(state: string): Promise<LocalServer | undefined> {
  const server = await lastServer(state);
  return server !== undefined && isAlive(server) ? server : undefined;
}

/** Returns the last local server of this state, dead or alive. Its ports are used again. */
export async function lastServer(state: string): Promise<LocalServer | undefined> {
  return await readJson<LocalServer>(recordFile(state));
}

export async function recordServer(state: string, server: LocalServer): Promise<void> {
  await writeJson(recordFile(state), server);
}
