import { createHash } from 'node:crypto';
import path from 'node:path';

/**
 * Returns the folder for the server database, artifacts, outputs and logs: `--state`, `LLM_BARBER_STATE`, or `.llm-barber` in the current
 * folder.
 */
export function resolveState(option: string | undefined, environment: NodeJS.ProcessEnv = process.env): string {
  return path.resolve(option ?? (environment['LLM_BARBER_STATE'] || '.llm-barber'));
}

/** Every state has its own task queue, so that two states never share work, even on one server. */
export function defaultTaskQueue(state: string): string {
  return `llm-barber-${createHash('sha256').update(state).digest('hex').slice(0, 8)}`;
}

/** Paths within a state folder. */
export const statePaths = {
  server: (state: string) => path.join(state, 'temporal'),
  serverDatabase: (state: string) => path.join(state, 'temporal', 'server.db'),
  workers: (state: string) => path.join(state, 'workers'),
  logs: (state: string) => path.join(state, 'logs'),
};
