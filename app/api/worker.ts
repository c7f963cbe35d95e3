import { resolvePlace, type Place } from './place.js';
import { setUp } from './set-up.js';

/** How a worker serves. */
export interface WorkerOptions extends Place {
  /** Called with a line about the server where it had to be brought back. */
  onMessage?: (line: string) => void;
}

/** A worker in a process of its own. */
export interface RunningWorker {
  pid: number;
  taskQueue: string;
  /** Settles when the process has ended, however it did. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Lets it hand over the layer in flight, and ends it. A local server that nobody else uses ends, too. */
  stop(): Promise<void>;
}

/**
 * Starts a worker, which ends with this process. It connects to the server that Temporal's environment variables name, else to the
 * local one of the state folder, which is brought up. `runPipeline` needs none.
 * @throws SetUpError, StoreRefusedError, LocalServerError, and what keeps a client from connecting
 */
export async function createWorker(options: WorkerOptions = {}): Promise<RunningWorker> {
  const place = resolvePlace(options);
  await setUp();
  const [{ checkStore }, { openSession }, { spawnWorker }] = await Promise.all([import('../cli/store/check.js'), import('../cli/session.js'), import('../cli/local/worker-process.js')]);
  await checkStore(place);
  const session = await openSession(place.state, { say: options.onMessage ?? (() => undefined) });
  try {
    const worker = await spawnWorker({ ...place, verbose: false });
    const stop = async (): Promise<void> => {
      await worker.stop();
      await session.close();
    };
    return { pid: worker.pid, taskQueue: place.taskQueue, ended: worker.ended, stop };
  } catch (error) {
    await session.close();
    throw error;
  }
}
