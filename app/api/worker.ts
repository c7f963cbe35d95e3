import { resolvePlace, type Place } from './place.js';
import { setUp } from './set-up.js';

/** How a worker serves. */
export interface WorkerOptions extends Place {
  /** Called with a line when the server had to be restarted. */
  onMessage?: (line: string) => void;
}

/** A worker in its own process. */
export interface RunningWorker {
  pid: number;
  taskQueue: string;
  /** Settles when the process has ended, for any reason. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Lets the worker hand over the layer in flight, then ends it. Also ends a local server that nobody else uses. */
  stop(): Promise<void>;
}

/**
 * Starts a worker that ends with this process. It connects to the server that Temporal's environment variables name, else to the local one
 * of the state folder, which is started if needed. `runPipeline` does not need this.
 * @throws SetUpError, StoreRefusedError, LocalServerError, and connection errors
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
