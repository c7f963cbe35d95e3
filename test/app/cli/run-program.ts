import { spawn, type ChildProcessByStdio } from 'node:child_process';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireBuild } from '../../helpers/set-up.js';

requireBuild();

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Program {
  process: ChildProcessByStdio<null, Readable, Readable>;
  /** What it has written to stderr so far. */
  said(): string;
  ended: Promise<Ended>;
}

/** The environment without Temporal's, OpenTelemetry's and our own settings. */
export const plainEnvironment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|LLM_BARBER_STATE|NO_COLOR|OTEL_)/.test(name)));

/** Starts an executable of the package. */
export function startProgram(name: 'temporal-pipeline' | 'temporal', words: string[], options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Program {
  const child = spawn(process.execPath, [path.resolve('app/cli/bin', `${name}.mjs`), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: { ...plainEnvironment, ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
  return { process: child, said: () => stderr, ended };
}

export async function runProgram(...call: Parameters<typeof startProgram>): Promise<Ended> {
  return await startProgram(...call).ended;
}

/** Starts a worker, and waits until it is ready. */
export async function startWorker(state: string, { words = [], env }: { words?: string[]; env?: NodeJS.ProcessEnv } = {}): Promise<Program> {
  const worker = startProgram('temporal-pipeline', ['worker', '--state', state, ...words], env === undefined ? {} : { env });
  while (!worker.said().includes('Serving')) {
    if (worker.process.exitCode !== null) throw new Error(`the worker exited: ${worker.said()}`);
    await sleep(20);
  }
  return worker;
}
