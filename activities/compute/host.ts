import { fork, type ChildProcess } from 'node:child_process';
import { programPath } from '#setup/places.mjs';
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
  /** Where the artifacts are, if not in the state folder. */
  store?: string;
  /** Folders that pipelines may read from; everything if absent. */
  allowedFolders?: readonly string[];
  /** Module that the compute process runs; by default `child.js` beside this one. */
  entry?: string;
  /** Called with how the compute process ended, if we did not end it and no task failed by it. */
  onIdleEnd?: (how: string) => void;
  /** Told what happened in the compute process without failing a task. */
  onIncident?: (what: string) => void;
  /** Gets what the compute process and its native libraries print. */
  onOutput: (line: string) => void;
}

const otherEngine = Symbol('otherEngine');

/** How long a compute process may take to end in order. */
const patienceMs = 3_000;

interface Running {
  child: ChildProcess;
  id: number;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  onProgress: (detail: string) => void;
}

/**
 * Owns the process that does the heavy work. TensorFlow blocks the thread that it runs on and can take its process down;
 * in a process of its own it can do neither to the worker's heartbeats. One task at a time; the process is started when
 * it is first needed, lives on between tasks with its tensors in memory, and is replaced after a crash or a cancellation.
 */
export class ComputeHost {
  private child: ChildProcess | undefined;
  /** Resolves when the latest compute process has ended. */
  private ended: Promise<void> = Promise.resolve();
  private running: Running | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private lastId = 0;
  private lastWords: string[] = [];

  constructor(private readonly options: ComputeHostOptions) {}

  /**
   * Runs a task in the compute process.
   * @throws RemoteFault with the fault that the task raised
   * @throws ComputeCrashedError if the process ended meanwhile
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
    // A backend is opened once per process, so another engine needs another process.
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

  /** Starts a compute process when the one before has ended: two of them may not fit into the memory, of the GPU above all. */
  private async start(signal: AbortSignal, onProgress: (detail: string) => void): Promise<ChildProcess> {
    const told = setTimeout(() => {
      onProgress('waiting for the former compute process to end');
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
      // A pipeline that names /proc/self/environ as a text must not find secrets there.
      env: environment.open,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A debugger's port in the worker's flags would be taken already.
      execArgv: [],
    });
    this.lastWords = [];
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
        // Without a process id it has never begun, and will not end.
        if (child.pid === undefined) resolve();
        this.hasEnded(child, error.message);
      });
    });
    child.send({ kind: 'secrets', environment: environment.secret } satisfies SecretsMessage);
    return child;
  }

  /** A process that was replaced may end while the next one works already: only its own task fails with it. */
  private hasEnded(child: ChildProcess, how: string): void {
    const isOurs = this.child === child;
    if (isOurs) this.child = undefined;
    if (isOurs && this.running?.child !== child) this.options.onIdleEnd?.(how);
    if (this.running?.child === child) this.running.reject(new ComputeCrashedError(how, this.lastWords.join(' | ')));
  }

  private hear(line: string): void {
    this.lastWords = [...this.lastWords.slice(-2), line];
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

  /** Process id of the compute process, if there is one. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Lets the compute process end in order, which it does as soon as it hears of it; ends it after a while. */
  async end(): Promise<void> {
    const { child } = this;
    if (child?.connected === true) {
      this.child = undefined;
      child.send({ kind: 'end' } satisfies EndMessage);
      const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await this.ended.finally(() => { clearTimeout(late); });
    }
    this.stop();
  }

  /** Ends the compute process. */
  stop(): void {
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => { resolve(); }, { once: true });
  });
}
