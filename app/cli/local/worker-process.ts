import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '#setup/paths.mjs';
import { statePaths } from '../state.js';
import { recordProcess } from './process-records.js';

/** Recorded for a worker, so that other processes with the same state folder find it before it polls. */
export interface WorkerNote {
  taskQueue: string;
}

export interface WorkerOptions {
  state: string;
  store?: string | undefined;
  taskQueue: string;
  verbose: boolean;
}

/** How a worker ended. */
export interface WorkerEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Set if the process could not be started. */
  error?: string;
}

export interface WorkerProcess {
  pid: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  ended: Promise<WorkerEnd>;
  /** Asks the worker to hand over its work (SIGTERM), and kills it if that takes longer than the grace period. */
  stop(graceMs?: number): Promise<void>;
  /** Kills the worker immediately. */
  kill(): void;
}

/** Returns the file for the process's own output, such as messages of native libraries and crashes. The actual log is `worker.jsonl`. */
export const workerOutput = (state: string): string => path.join(statePaths.logs(state), 'worker.out');

const program = path.join(packageRoot, 'app', 'cli', 'bin', 'temporal-pipeline.mjs');

/**
 * Starts `temporal-pipeline worker` as a child process. The IPC channel tells it when this process is gone, even after a crash.
 */
export async function spawnWorker({ state, store, taskQueue, verbose }: WorkerOptions): Promise<WorkerProcess> {
  await mkdir(statePaths.logs(state), { recursive: true });
  const output = await open(workerOutput(state), 'a');
  try {
    // A short grace period, because the person who interrupts a run here waits for its end. The layer in flight is recomputed later.
    const flags = ['--shutdown-grace', '1', '--state', state, '--task-queue', taskQueue, ...(store === undefined ? [] : ['--store', store]), ...(verbose ? ['--verbose'] : [])];
    const child = spawn(process.execPath, [program, 'worker', '--supervised', ...flags], {
      // Detached, so that Ctrl-C in this terminal reaches only this process, which then stops the worker in order.
      detached: true,
      stdio: ['ignore', verbose ? 'inherit' : output.fd, verbose ? 'inherit' : output.fd, 'ipc'],
    });
    const ended = endOf(child);
    const pid = child.pid ?? 0;
    if (pid !== 0) await recordProcess(statePaths.workers(state), pid, { taskQueue } satisfies WorkerNote);
    return { pid, startedAt: Date.now(), ended, stop: (graceMs = 10_000) => stop(child, ended, graceMs), kill: () => void child.kill('SIGKILL') };
  } finally {
    await output.close();
  }
}

/** Resolves when a worker has ended; with `close`, when all its piped output has been read, too. */
export function endOf(child: ChildProcess, event: 'exit' | 'close' = 'exit'): Promise<WorkerEnd> {
  return new Promise((resolve) => {
    child.once(event, (code: number | null, signal: NodeJS.Signals | null) => resolve({ code, signal }));
    child.once('error', ({ message }) => resolve({ code: 1, signal: null, error: message }));
  });
}

/** Describes an end, such as `was killed by SIGKILL`. */
export function describeEnd({ code, signal, error }: WorkerEnd): string {
  if (error !== undefined) return `could not be started (${error})`;
  return signal === null ? `ended with exit code ${code ?? 'unknown'}` : `was killed by ${signal}`;
}

async function stop(child: ChildProcess, ended: Promise<WorkerEnd>, graceMs: number): Promise<void> {
  child.kill('SIGTERM');
  const cancel = new AbortController();
  const tooLong = sleep(graceMs, 'too long' as const, { signal: cancel.signal }).catch(() => undefined);
  if ((await Promise.race([ended, tooLong])) === 'too long') child.kill('SIGKILL');
  cancel.abort();
  await ended;
}
