import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { hasWorkerPackages, programPath } from '#setup/paths.mjs';
import type { Engine, EngineRequest } from '../../../science/engine/index.js';

/** The engine that opened, or the reason why none did. */
export interface Probe {
  engine?: Engine;
  problem?: string;
}

const program = programPath('probe-engine');

/** Opens an engine in a separate process, because a broken native library can crash the process. */
export async function probeEngine(backend: EngineRequest['backend']): Promise<Probe> {
  if (!hasWorkerPackages()) return { problem: 'TensorFlow.js is not installed yet' };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, backend], { timeout: 60_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Probe;
  } catch (error) {
    return { problem: `the process that opened it ended: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}` };
  }
}
