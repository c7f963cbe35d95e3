import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isOutage } from '../client.js';
import { statePaths } from '../state.js';
import { Backoff } from './backoff.js';
import { withLock } from './file-lock.js';
import type { Say } from './supervise-server.js';
import { isServed } from './pollers.js';
import { describeEnd, spawnWorker, type WorkerOptions, type WorkerProcess } from './worker-process.js';

/** How often to check whether a worker still serves the task queue. */
const checkMs = 3_000;

/** Starts a worker whenever a task queue has none. */
export class WorkerSupervisor {
  private worker: WorkerProcess | undefined;
  private readonly backoff = new Backoff();
  private stopped = false;

  constructor(
    private readonly client: Client,
    private readonly options: WorkerOptions,
    private readonly say: Say,
  ) {}

  /** Whether another worker serves the run and stays when this keeper stops. */
  get isServedByAnother(): boolean {
    return this.worker === undefined;
  }

  /** Starts a worker whenever there is none. Returns when `signal` aborts, and never gives up before. */
  async supervise(signal: AbortSignal): Promise<void> {
    const pause = (milliseconds: number) => sleep(milliseconds, undefined, { signal }).catch(() => undefined);
    while (!signal.aborted) {
      if (this.worker === undefined) await this.startIfNeeded();
      const { worker } = this;
      const end = await Promise.race([pause(checkMs), ...(worker === undefined ? [] : [worker.ended])]);
      if (worker === undefined || end === undefined || signal.aborted) continue;
      this.worker = undefined;
      this.say(`The worker (process ${worker.pid}) ${describeEnd(end)}; starting another one. Finished layers are kept.`);
      await pause(this.backoff.next(Date.now() - worker.startedAt));
    }
  }

  /** The lock prevents two processes of one state from starting a worker each. */
  private async startIfNeeded(): Promise<void> {
    const { state, taskQueue } = this.options;
    try {
      await withLock(path.join(statePaths.workers(state), 'lock'), async () => {
        if (this.stopped || (await isServed(this.client, state, taskQueue))) return;
        this.worker = await spawnWorker(this.options);
      });
    } catch (error) {
      if (!isOutage(error)) this.say(`No worker could be started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Stops the worker that this keeper started, if any: gracefully, or by force after the grace period. */
  async stop(graceMs?: number): Promise<void> {
    this.stopped = true;
    await this.worker?.stop(graceMs);
  }

  /** Immediately kills the worker that this keeper started. */
  kill(): void {
    this.stopped = true;
    this.worker?.kill();
  }
}
