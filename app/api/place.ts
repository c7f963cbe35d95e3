import { storeLocation } from '../../files/artifacts/store-location.js';
import { defaultTaskQueue, resolveState } from '../cli/state.js';

/** Where runs keep what they make, and which workers serve them. The server is the one that Temporal's environment variables name, else a local one. */
export interface Place {
  /** Folder of server database, artifacts, outputs and logs; `$LLM_BARBER_STATE` or `.llm-barber` here unless given. */
  state?: string;
  /** Where artifacts are: a folder, or `s3://bucket/prefix`; in the state folder unless given. */
  store?: string;
  /** One for each state folder unless given. */
  taskQueue?: string;
}

/** A place with its defaults, as commands have it. */
export function resolvePlace({ state: folder, store, taskQueue }: Place): { state: string; store: string | undefined; taskQueue: string } {
  const state = resolveState(folder);
  return { state, store: store === undefined ? undefined : storeLocation(store), taskQueue: taskQueue ?? defaultTaskQueue(state) };
}
