/** Runs once per test run: makes a folder that the test files share, and stops what they started there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { leaveLocalServer } from '../../app/cli/local/local-server.js';
import { runningServer } from '../../app/cli/local/server-record.js';
import { isAlive } from '../../files/artifacts/index.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** State folder of the server that `shared-server.ts` starts for the first test file that needs one. */
    sharedState: string;
  }
}

export default function setup(project: TestProject): () => Promise<void> {
  const state = mkdtempSync(path.join(tmpdir(), 'shared-server-'));
  project.provide('sharedState', state);
  return async () => {
    const server = await runningServer(state);
    await leaveLocalServer(state);
    // Processes of test files that are still ending count as users of the server.
    if (server !== undefined && isAlive(server)) process.kill(server.pid, 'SIGKILL');
    rmSync(state, { recursive: true, force: true });
  };
}
