import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '#setup/paths.mjs';

export interface WorkerSettings {
  /** `host:port` of the server, or of a link to it. */
  address: string;
  state: string;
  taskQueue: string;
  /** File with the milliseconds by which the worker's clock is wrong. */
  clock?: string;
  /** Additional command line arguments. */
  flags?: readonly string[];
}

/** `temporal-pipeline worker`, as users start it. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private text = '';
  readonly ended: Promise<number | null>;

  constructor({ address, state, taskQueue, clock, flags = [] }: WorkerSettings) {
    const program = join(packageRoot, 'app', 'cli', 'bin', 'temporal-pipeline.mjs');
    const shifted = `--import ${pathToFileURL(join(packageRoot, 'dist', 'tools', 'bench', 'faults', 'shifted-clock.js')).href}`;
    this.child = spawn(process.execPath, [program, 'worker', '--state', state, '--task-queue', taskQueue, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TEMPORAL_ADDRESS: address, ...(clock === undefined ? {} : { LLM_BARBER_FAULTS_CLOCK: clock, NODE_OPTIONS: shifted }) },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.text += text));
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
  }

  /** Asks the worker to end, and waits for that. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    await this.ended;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Returns its output so far. */
  said(): string {
    return this.text;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when the worker serves its queue. @throws Error if it ends instead */
  async ready(): Promise<void> {
    while (!this.text.includes('Serving task queue')) {
      if (!this.isAlive) throw new Error(`The worker ended: ${this.text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The process ids of its compute processes. */
  computePids(): number[] {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === this.pid).map(Number);
  }

  /** Resident memory in bytes, including compute processes. */
  memory(): number {
    const of = (pid: number): number => Number(/^VmRSS:\s+(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0) * 1024;
    return [this.pid, ...this.computePids()].reduce((sum, pid) => sum + of(pid), 0);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }
}

/** Sends a signal to processes, some of which may have ended. */
export function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0);
}

function readProc(name: string): string {
  try {
    return readFileSync(join('/proc', name), 'utf8');
  } catch {
    return '';
  }
}
