import { storeLocation } from '../../files/artifacts/store-location.js';
import { defaultTaskQueue, resolveState } from '../cli/state.js';

/**
 * Where runs keep their files, and which workers serve them. The server is the one that Temporal's environment variables name, else a local
 * one.
 */
export interface Place {
  /**
   * Folder for the server database, artifacts, outputs and logs. Defaults to `$LLM_BARBER_STATE`, then to `.llm-barber` in the current
   * folder.
   */
  state?: string;
  /** Where artifacts are stored: a folder, or `s3://bucket/prefix`. Defaults to the state folder. */
  store?: string;
  /** Defaults to the queue of the state folder. */
  taskQueue?: string;
}

/** Returns the place with the defaults that commands use. */
export function resolvePlace({ state: folder, store, taskQueue }: Place): { state: string; store: string | undefined; taskQueue: string } {
  const state = resolveState(folder);
  return { state, store: store === undefined ? undefined : storeLocation(store), taskQueue: taskQueue ?? defaultTaskQueue(state) };
}
