import { fork, type ChildProcess } from 'node:child_process';
import { programPath } from '#setup/paths.mjs';
import { computeEnvironment } from '../../errors/secrets.js';
import { ComputeCrashedError } from '../errors.js';
import type { ComputeTask, EndMessage, ReplyMessage, SecretsMessage, SerializedFault, TaskMessage } from './messages.js';

/** A fault that the compute process reported. */
export class RemoteFault extends Error {
  constructor(readonly fault: SerializedFault) {
    super(fault.message);
  }
}

export interface ComputeHostOptions {
  state: string;
  /** Location of the artifact store, if it is not in the state folder. */
  store?: string;
  /** Folders that pipelines may read; everything if absent. */
  allowedFolders?: readonly string[];
  /** Module that the compute process runs; by default `child.js` beside this one. */
  entry?: string;
  /** Called with how the compute process ended, if it ended by itself while no task was running. */
  onIdleEnd?: (how: string) => void;
  /** Called with an event in the compute process that did not fail a task. */
  onIncident?: (what: string) => void;
  /** Called with each line that the compute process and its native libraries print. */
  onOutput: (line: string) => void;
}

/** How many lines of its output are kept for the case that the compute process crashes, and how many are shown. */
const keptLines = 40;
const shownLines = 3;

const otherEngine = Symbol('otherEngine');

/** How long a compute process may take to exit after it was asked to. */
const timeoutMs = 3_000;

interface Running {
  child: ChildProcess;
  id: number;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  onProgress: (detail: string) => void;
}

/**
 * Owns the process that does the heavy work. TensorFlow blocks the thread that it runs on and can crash its process. In a separate
 * process it cannot disturb the worker's heartbeats. It runs one task at a time. The process is started when it is first needed,
 * keeps its tensors in memory between tasks, and is replaced after a crash or a cancellation.
 */
export class ComputeHost {
  private child: ChildProcess | undefined;
  /** Resolves when the latest compute process has ended. */
  private ended: Promise<void> = Promise.resolve();
  private running: Running | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private lastId = 0;
  /** The lines that the compute process printed last. */
  private lastLines: string[] = [];

  constructor(private readonly options: ComputeHostOptions) {}

  /**
   * Runs a task in the compute process.
   * @throws RemoteFault with the fault that the task raised
   * @throws ComputeCrashedError if the process ended during the task
   * @throws the signal's reason if it was aborted; the process is then killed at once, which loses at most the unit in flight
   */
  run(task: ComputeTask, input: unknown, signal: AbortSignal, onProgress: (detail: string) => void): Promise<unknown> {
    const turn = this.queue.then(() => this.runNow(task, input, signal, onProgress));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async runNow(task: ComputeTask, input: unknown, signal: AbortSignal, onProgress: (detail: string) => void): Promise<unknown> {
    const answer = await this.ask(task, input, signal, onProgress);
    if (answer !== otherEngine) return answer;
    // A process opens only one engine, so another engine needs another process.
    this.stop();
    return this.ask(task, input, signal, onProgress);
  }

  private async ask(task: ComputeTask, input: unknown, signal: AbortSignal, onProgress: (detail: string) => void): Promise<unknown> {
    signal.throwIfAborted();
    const child = (this.child ??= await this.start(signal, onProgress));
    const abort = (): void => {
      this.stop();
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        const id = ++this.lastId;
        this.running = { child, id, resolve, reject, onProgress };
        child.send({ kind: 'task', id, task, input } satisfies TaskMessage);
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      this.running = undefined;
      signal.removeEventListener('abort', abort);
    }
  }

  /** Starts a compute process after the previous one has ended: two may not fit into memory, above all that of the GPU. */
  private async start(signal: AbortSignal, onProgress: (detail: string) => void): Promise<ChildProcess> {
    const told = setTimeout(() => {
      onProgress('waiting for the previous compute process to end');
    }, 1000);
    await Promise.race([this.ended, aborted(signal)]).finally(() => {
      clearTimeout(told);
    });
    signal.throwIfAborted();
    return this.fork();
  }

  private fork(): ChildProcess {
    const environment = computeEnvironment(this.options.store?.startsWith('s3://') === true);
    const entry = this.options.entry ?? programPath('compute');
    const child = fork(entry, [this.options.state, this.options.store ?? '', ...(this.options.allowedFolders ?? [])], {
      // A pipeline that names /proc/self/environ as a text must not find secrets in it.
      env: environment.open,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // For science/engine/dead-buffers.ts. Nothing is inherited: if the worker is being debugged, its debugger port is in use.
      execArgv: ['--expose-gc'],
    });
    this.lastLines = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.split('\n')) if (line.trim() !== '') this.hear(line);
      });
    }
    child.on('message', (message) => {
      this.answer(message as ReplyMessage);
    });
    this.ended = new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        resolve();
        this.hasEnded(child, signal === null ? `exit code ${code}` : `signal ${signal}`);
      });
      child.on('error', (error) => {
        // A process without an id never started, so it will not exit.
        if (child.pid === undefined) resolve();
        this.hasEnded(child, error.message);
      });
    });
    child.send({ kind: 'secrets', environment: environment.secret } satisfies SecretsMessage);
    return child;
  }

  /** A replaced process may end after its successor has started. Then only its own task fails. */
  private hasEnded(child: ChildProcess, how: string): void {
    const isOurs = this.child === child;
    if (isOurs) this.child = undefined;
    if (isOurs && this.running?.child !== child) this.options.onIdleEnd?.(how);
    if (this.running?.child === child) this.running.reject(new ComputeCrashedError(how, lastWords(this.lastLines)));
  }

  private hear(line: string): void {
    this.lastLines = [...this.lastLines.slice(1 - keptLines), line];
    this.options.onOutput(line);
  }

  private answer(message: ReplyMessage): void {
    if (message.kind === 'incident') {
      this.options.onIncident?.(message.what);
      return;
    }
    const running = this.running;
    if (running?.id !== message.id) return;
    if (message.kind === 'progress') running.onProgress(message.detail);
    else if (message.kind === 'done') running.resolve(message.result);
    else if (message.kind === 'otherEngine') running.resolve(otherEngine);
    else running.reject(new RemoteFault(message.fault));
  }

  /** Process id of the compute process; undefined if there is none. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Asks the compute process to exit, which it does at once, and kills it if it takes too long. */
  async end(): Promise<void> {
    const { child } = this;
    if (child?.connected === true) {
      this.child = undefined;
      child.send({ kind: 'end' } satisfies EndMessage);
      const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await this.ended.finally(() => { clearTimeout(late); });
    }
    this.stop();
  }

  /** Kills the compute process. */
  stop(): void {
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }
}

/** Returns the lines that say why a process ended: from the last one that names an error, or else the last ones. A native stack may follow it. */
function lastWords(lines: readonly string[]): string {
  const at = lines.findLastIndex((line) => /error\b|fatal|check failed/i.test(line));
  return (at < 0 ? lines.slice(-shownLines) : lines.slice(at, at + shownLines)).join(' | ');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => { resolve(); }, { once: true });
  });
}
