import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectClient } from '../../../app/cli/client.js';
import { localConnection } from '../../../app/cli/connection.js';
import { ensureLocalServer, leaveLocalServer } from '../../../app/cli/local/local-server.js';
import { runningServer, serverAddress } from '../../../app/cli/local/server-record.js';
import { openLink, type Link } from './link.js';
import { SmallDisk } from './small-disk.js';
import { signalAll, WorkerProcess } from './worker-process.js';

/** A server that can be killed and restarted on the same port with the same database. */
export class Server {
  private constructor(
    private readonly state: string,
    private address: string,
    readonly client: Client,
  ) {}

  static async start(state: string): Promise<Server> {
    const address = serverAddress(await ensureLocalServer(state));
    return new Server(state, address, await connectClient(localConnection(address)));
  }

  readonly where = (): string => this.address;

  async pids(): Promise<number[]> {
    const server = await runningServer(this.state);
    return server === undefined ? [] : [server.pid];
  }

  /** Restarts the server. The ports and the database of a killed server may take a moment to become free. */
  async restart(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await ensureLocalServer(this.state, { samePorts: true });
        return;
      } catch (error) {
        if (tries === 20) throw error;
        await sleep(300);
      }
    }
  }

  async stop(): Promise<void> {
    await this.client.connection.close();
    await leaveLocalServer(this.state);
  }
}

/** The environment of one disturbed run: two workers with a new store, the connection to their server, and their clock. */
export class TestCluster {
  readonly state: string;
  readonly store: string;
  readonly disk: SmallDisk | undefined;
  readonly workers: WorkerProcess[] = [];
  private readonly clock: string;
  private isDown = false;

  private constructor(
    readonly server: Server,
    folder: string,
    readonly taskQueue: string,
    readonly link: Link,
    private readonly count: number,
  ) {
    this.state = join(folder, taskQueue);
    this.store = join(this.state, 'artifacts');
    this.clock = join(this.state, 'clock');
    mkdirSync(this.state, { recursive: true });
    this.disk = SmallDisk.mount(this.store);
  }

  static async build(server: Server, folder: string, taskQueue: string, workers = 2): Promise<TestCluster> {
    const plant = new TestCluster(server, folder, taskQueue, await openLink(server.where), workers);
    plant.startMissingWorkers();
    await Promise.all(plant.workers.map((worker) => worker.ready()));
    return plant;
  }

  /** Starts workers in place of those that have ended, as a supervisor would. */
  startMissingWorkers(): void {
    for (let index = 0; index < this.count; index++) {
      if (this.workers[index]?.isAlive === true) continue;
      this.workers[index] = new WorkerProcess({ address: this.link.address, state: this.state, taskQueue: this.taskQueue, clock: this.clock, flags: ['--shutdown-grace', '1'] });
    }
  }

  /** Shifts the clocks of all workers. */
  shiftClock(milliseconds: number): void {
    writeFileSync(this.clock, String(milliseconds));
  }

  async tearDown(): Promise<void> {
    if (this.isDown) return;
    this.isDown = true;
    for (const worker of this.workers) {
      signalAll([...worker.computePids(), worker.pid], 'SIGKILL');
      await worker.ended;
    }
    await this.link.close();
    this.disk?.unmount();
    rmSync(this.state, { recursive: true, force: true });
  }
}
