import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import type { ConnectionSettings } from './connection.js';
import { ServerUnreachableError } from './errors.js';

/** gRPC status codes after which the same call may succeed later: the server is away, starting, or overloaded. */
const passingCodes = new Set([1 /* cancelled */, 2 /* unknown */, 4 /* deadline */, 8 /* exhausted */, 10 /* aborted */, 13 /* internal */, 14 /* unavailable */]);

/** Whether an error, or what caused it, says that the server is away for the moment. */
export function isOutage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) return passingCodes.has(Number(cause.code));
  }
  return false;
}

/** Calls until the server answers. Anything but an outage is thrown at once, as is the signal's reason. */
export async function throughOutages<T>(call: () => Promise<T>, signal: AbortSignal, pauseMs = 500): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!isOutage(error)) throw error;
    }
    await sleep(pauseMs);
  }
}

/**
 * Connects a client.
 * @throws ServerUnreachableError
 */
export async function connectClient(settings: ConnectionSettings): Promise<Client> {
  try {
    // No retries within the client: one that is still waiting when the connection is closed would end the process.
    const connection = await Connection.connect({ ...settings.options, interceptors: [], connectTimeout: 10_000 });
    return new Client({ connection, namespace: settings.namespace });
  } catch (cause) {
    throw new ServerUnreachableError(
      {
        what: `no Temporal server answers on ${settings.options.address} (${cause instanceof Error ? cause.message : String(cause)})`,
        remedy: settings.local ? 'Run the command again' : "Check Temporal's address, TLS and API key settings, or unset TEMPORAL_ADDRESS to use a local server",
      },
      { cause },
    );
  }
}
