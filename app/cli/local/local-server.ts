import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setUpCommand } from '#setup/paths.mjs';
import { digestOf } from '../../../files/artifacts/digest.js';
import { environmentWithoutSecrets } from '../../../errors/secrets.js';
import { LocalServerError, TemporalCliMissingError } from '../errors.js';
import { statePaths } from '../state.js';
import { findTemporalCli } from '../temporal-cli.js';
import { withLock } from './file-lock.js';
import { answers } from './health.js';
import { freePort, isFree, portsOf, type Ports } from './ports.js';
import { forgetProcess, identify, isAlive, liveProcesses, recordProcess } from './process-records.js';
import { lastServer, recordServer, runningServer, serverAddress, serverLog, type LocalServer } from './server-record.js';

export interface EnsureOptions {
  signal?: AbortSignal;
  /** Use only the ports that the server had before: for callers whose clients are already connected to them. */
  samePorts?: boolean;
}

const startTimeoutMs = 60_000;
const stopTimeoutMs = 8_000;

/** A namespace that only this state's server has. Runs are in `default`. */
const ownNamespace = (state: string): string => `state-${digestOf(path.resolve(state)).slice(0, 16)}`;
const lockFile = (state: string) => path.join(statePaths.server(state), 'lock');
const usersFolder = (state: string) => path.join(statePaths.server(state), 'users');

/**
 * Makes sure that this state's local server runs and answers, and records this process as one of its users. Idempotent: any number of
 * processes may call it at once, and one server is started. After a crash the server gets the same ports again, so that connected clients
 * find it.
 * @throws TemporalCliMissingError
 * @throws LocalServerError
 */
export async function ensureLocalServer(state: string, options: EnsureOptions = {}): Promise<LocalServer> {
  return await withLock(lockFile(state), async () => {
    await recordProcess(usersFolder(state), process.pid);
    const running = await runningServer(state);
    if (running !== undefined) {
      await waitUntilItAnswers(state, running, 'default', options.signal);
      return running;
    }
    return await start(state, options);
  });
}

/** Removes this process from the users of the local server. The last user stops the server. */
export async function leaveLocalServer(state: string): Promise<void> {
  await withLock(lockFile(state), async () => {
    await forgetProcess(usersFolder(state), process.pid);
    const server = await runningServer(state);
    if (server === undefined || (await liveProcesses(usersFolder(state))).length > 0) return;
    process.kill(server.pid, 'SIGTERM');
    const deadline = Date.now() + stopTimeoutMs;
    while (isAlive(server) && Date.now() < deadline) await sleep(50);
    if (isAlive(server)) process.kill(server.pid, 'SIGKILL');
  });
}

async function start(state: string, { signal, samePorts = false }: EnsureOptions): Promise<LocalServer> {
  const cli = await findTemporalCli();
  if (cli === undefined) {
    throw new TemporalCliMissingError({
      what: 'there is no Temporal server: `temporal` is not installed on this machine, and the environment names no address',
      remedy: `Run \`${setUpCommand}\`, or set TEMPORAL_ADDRESS to your server`,
    });
  }
  const earlier = await lastServer(state);
  // Another program may take a port between the probe and the server's start. Then other ports are tried.
  for (let attempt = 1; ; attempt += 1) {
    const ports = samePorts && earlier !== undefined ? earlier : await choosePorts(attempt === 1 ? [earlier, portsOf(state)] : []);
    const server = await launch(cli, state, ports);
    try {
      // Another server may answer on the port, while ours ends because the port was taken.
      await waitUntilItAnswers(state, server, ownNamespace(state), signal);
      return server;
    } catch (error) {
      if (isAlive(server)) process.kill(server.pid, 'SIGKILL');
      if (samePorts || attempt === 3 || signal?.aborted === true) throw error;
    }
  }
}

async function choosePorts(wishes: (Ports | undefined)[]): Promise<Ports> {
  for (const wish of wishes) {
    if (wish !== undefined && (await becomeFree(wish))) return wish;
  }
  return { port: await freePort(), uiPort: await freePort() };
}

/** Waits a moment for the ports of a killed server to become free. */
async function becomeFree({ port, uiPort }: Ports): Promise<boolean> {
  for (let tries = 0; tries < 10; tries += 1) {
    if ((await isFree(port)) && (await isFree(uiPort))) return true;
    await sleep(50);
  }
  return false;
}

async function launch(cli: string, state: string, ports: Ports): Promise<LocalServer> {
  await mkdir(statePaths.server(state), { recursive: true });
  await mkdir(statePaths.logs(state), { recursive: true });
  const log = await open(serverLog(state), 'a');
  const loopback = ['--ip', '127.0.0.1', '--ui-ip', '127.0.0.1'];
  const where = ['--port', String(ports.port), '--ui-port', String(ports.uiPort), '--namespace', ownNamespace(state)];
  // The server turns the name into a `file:` URI, in which `#`, `?` and `%` have a meaning. So it gets only the file name, and runs in that
  // folder.
  const database = path.parse(statePaths.serverDatabase(state));
  try {
    // Detached: a Ctrl-C in this terminal must not reach the server while it still has users.
    const child = spawn(path.resolve(cli), ['server', 'start-dev', ...loopback, ...where, '--db-filename', database.base], {
      cwd: database.dir,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      // The Temporal settings of the environment are for clients and would only confuse the server. The server does not need secrets.
      env: environmentWithoutSecrets(),
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(new LocalServerError({ what: `cannot be started: ${cause.message}`, where: cli }, { cause })));
    });
    child.unref();
    const server = { ...identify(child.pid ?? 0), port: ports.port, uiPort: ports.uiPort };
    await recordServer(state, server);
    return server;
  } finally {
    await log.close();
  }
}

async function waitUntilItAnswers(state: string, server: LocalServer, namespace: string, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (!(await answers(serverAddress(server), namespace))) {
    signal?.throwIfAborted();
    if (!isAlive(server)) {
      throw new LocalServerError({
        what: `the local Temporal server ended while starting: ${await lastLine(serverLog(state))}`,
        where: serverLog(state),
        remedy: 'Read that log; set TEMPORAL_ADDRESS to use another server',
      });
    }
    if (Date.now() > deadline) {
      throw new LocalServerError({
        what: `the local Temporal server (process ${server.pid}) does not answer on ${serverAddress(server)} after ${startTimeoutMs / 1000} s`,
        where: serverLog(state),
        remedy: 'Read that log, end that process, and try again',
      });
    }
    await sleep(100);
  }
}

async function lastLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').at(-1) || '(it wrote nothing)';
}
