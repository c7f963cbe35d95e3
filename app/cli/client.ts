import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { dataConverter } from './codec/data-converter.js';
import type { ConnectionSettings } from './connection.js';
import { connectFailure, tlsRefusal } from './connect-failure.js';

/** gRPC status codes after which the same call may succeed later: the server is away, starting, or overloaded. */
const transientCodes = new Set([1 /* cancelled */, 2 /* unknown */, 4 /* deadline */, 8 /* exhausted */, 10 /* aborted */, 13 /* internal */, 14 /* unavailable */]);

/** Whether an error, or one of its causes, says that the server is away for the moment. */
export function isOutage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) return transientCodes.has(Number(cause.code));
  }
  return false;
}

/** Repeats a call until the server answers. Throws any other error at once, and the signal's reason on abort. */
export async function retryWhileUnavailable<T>(call: () => Promise<T>, signal: AbortSignal, pauseMs = 500): Promise<T> {
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
 * @throws ServerRefusesError, ServerUnreachableError, PayloadKeyError
 */
export async function connectClient(settings: ConnectionSettings): Promise<Client> {
  const converter = dataConverter();
  // No retries within the client: a retry that is still waiting when the connection is closed would end the process.
  const connecting = Connection.connect({ ...settings.options, interceptors: [], connectTimeout: 10_000 });
  // A TLS refusal shows at once. The library would retry until its timeout.
  const refused = await Promise.race([connecting.then(() => undefined, () => undefined), tlsRefusal(settings)]);
  if (refused !== undefined) {
    connecting.then((late) => late.close(), () => undefined).catch(() => undefined);
    throw refused;
  }
  const connection = await connecting.catch(async (cause: unknown) => {
    throw await connectFailure(settings, cause);
  });
  return new Client({ connection, namespace: settings.namespace, dataConverter: converter });
}
