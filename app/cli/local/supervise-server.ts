import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.js';
import { ensureLocalServer } from './local-server.js';
import { runningServer, serverAddress } from './server-record.js';

/** Shows a person one line about something that happened to a process. */
export type Say = (line: string) => void;

/**
 * Watches this state's local server and restarts it whenever it has died, on the same ports and database. Returns when `signal` aborts, and
 * never gives up before.
 */
export async function superviseServer(state: string, signal: AbortSignal, say: Say): Promise<void> {
  const backoff = new Backoff();
  let since = Date.now();
  const pause = (milliseconds: number) => sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    if ((await runningServer(state)) !== undefined) {
      await pause(500);
      continue;
    }
    say('The local Temporal server has died; starting it again. Nothing is lost.');
    const wait = backoff.next(Date.now() - since);
    try {
      const server = await ensureLocalServer(state, { signal, samePorts: true });
      say(`The local Temporal server is back on ${serverAddress(server)}.`);
    } catch (error) {
      if (!signal.aborted) say(`It did not start: ${error instanceof Error ? error.message : String(error)}`);
    }
    since = Date.now();
    await pause(wait);
  }
}
