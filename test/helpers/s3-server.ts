import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findS3Server } from '#setup/paths.mjs';
import { freePort } from '../../app/cli/local/ports.js';

/** A real S3 server, if set-up found or built one. */
const s3Program = findS3Server();

const access = 'AKTESTACCESSKEY';
const secret = 'test-secret-of-the-bucket';

/** versitygw, serving a folder with a bucket `barber`. */
export class S3Server {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    readonly port: number,
  ) {}

  static async start(folder: string): Promise<S3Server> {
    mkdirSync(join(folder, 'barber'), { recursive: true });
    const server = new S3Server(folder, await freePort());
    await server.start();
    return server;
  }

  /** The environment variables that clients need. They replace the machine's own AWS settings. */
  get environment(): Record<string, string> {
    return { AWS_ENDPOINT_URL: `http://127.0.0.1:${this.port}`, AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret, AWS_REGION: 'us-east-1', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
  }

  /** The file in which the server stores an object of the bucket. */
  fileOf(key: string): string {
    return join(this.folder, 'barber', key);
  }

  async start(): Promise<void> {
    const child = spawn(s3Program ?? '', ['--port', `127.0.0.1:${this.port}`, '--access', access, '--secret', secret, '--quiet', 'posix', this.folder], { stdio: 'ignore' });
    this.child = child;
    while (!(await answers(this.port))) {
      if (child.exitCode !== null) throw new Error(`${s3Program} ended with ${child.exitCode}`);
      await sleep(20);
    }
  }

  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
  socket.destroy();
  return connected;
}
