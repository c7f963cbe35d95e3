import { withoutSecrets } from '../../../errors/secrets.js';
import { allowedPaths } from '../allowed-paths.js';
import { connectionFromEnvironment, localConnection, type ConnectionSettings } from '../connection.js';
import { ServerUnreachableError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { addressOf, parseDevices, serveDevices } from '../local/device-workers.js';
import { superviseServer } from '../local/supervise-server.js';
import { ensureLocalServer, leaveLocalServer } from '../local/local-server.js';
import { forgetProcess, recordProcess } from '../local/process-records.js';
import { runningServer, serverAddress } from '../local/server-record.js';
import type { WorkerNote } from '../local/worker-process.js';
import { closeLog, openLog, type Logger } from '../log.js';
import type { GlobalOptions } from '../options.js';
import { statePaths } from '../state.js';
import { checkStore } from '../store/check.js';
import { watchOptions, type WatchFlags, type WatchOptions } from '../../operate/options.js';
import { workerVersion, type WorkerVersion } from '../worker-version.js';

/** Time in which a worker whose parent is gone may hand over its work. */
const orphanGraceMs = 8_000;

/** Options specific to `worker`. */
export interface WorkerFlags extends WatchFlags {
  supervised: boolean;
  /** GPUs, separated by commas. */
  devices?: string;
  allowPath: readonly string[];
  allowPublish: readonly string[];
  /** In seconds. */
  shutdownGrace: number;
  deployment?: string;
  buildId?: string;
}

/**
 * `worker`: serves a task queue until it is told to stop. `run` starts workers with `supervised`: the parent looks after the server, and
 * the worker ends with its parent.
 * @returns the exit code
 */
export async function workerCommand(options: GlobalOptions, { supervised, allowPath, allowPublish, shutdownGrace, deployment, buildId, ...flags }: WorkerFlags): Promise<number> {
  const { state, store, taskQueue, verbose } = options;
  const version = workerVersion(deployment, buildId);
  const watch = watchOptions(flags);
  const log = openLog({ state, process: 'worker', verbose });
  const stop = new AbortController();
  const say = (line: string): void => {
    process.stderr.write(`${withoutSecrets(line)}\n`);
    log.info(line);
  };
  if (process.channel !== undefined) endWithParent(log);
  const allowedFolders = allowedPaths(allowPath, state);
  const named = connectionFromEnvironment();
  const ownServer = named === undefined && !supervised;
  let keeping = Promise.resolve();
  try {
    await checkStore(options);
    const connection = named ?? (supervised ? await parentsServer(state) : localConnection(serverAddress(await ensureLocalServer(state))));
    if (ownServer) keeping = superviseServer(state, stop.signal, say);
    await recordProcess(statePaths.workers(state), process.pid, { taskQueue } satisfies WorkerNote);
    log.info('starting', { taskQueue, server: connection.options.address, state });
    // Strangers can reach a server that the environment names. A local server serves only this user.
    if (allowedFolders !== undefined) say(`Pipelines may read from: ${allowedFolders.join(', ')}`);
    else if (named !== undefined && !supervised) say('Pipelines may read every file that this user may read; --allow-path restricts that.');
    // Strangers must not overwrite what the token of this machine can write.
    const mayPublishTo = organisations(allowPublish) ?? (named === undefined ? undefined : []);
    await serve({ connection, taskQueue, state, store, allowedFolders, mayPublishTo, shutdownGrace, version, watch, log, say, onReady: () => say(`Serving task queue ${taskQueue} on ${connection.options.address} (state ${state}${store === undefined ? '' : `, store ${store}`}). Press Ctrl-C to stop.`) });
    log.info('stopped');
    return exitCode.done;
  } catch (error) {
    log.error('ended', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    throw error;
  } finally {
    stop.abort();
    await keeping;
    await forgetProcess(statePaths.workers(state), process.pid);
    if (ownServer) await leaveLocalServer(state);
    await closeLog(log);
  }
}

/**
 * `worker --devices`: runs one worker process for each device, with the other options of this command line. Each further process has its
 * metrics and health ports 10 higher.
 * @returns the exit code
 * @throws CommandLineError, HealthAddressError
 */
export async function devicesCommand(list: string, flags: WatchFlags): Promise<number> {
  const devices = parseDevices(list);
  const { metrics, health } = watchOptions(flags);
  const own = withoutDevices(process.argv.slice(2));
  return serveDevices({
    devices,
    program: [...process.execArgv, process.argv[1]],
    // If an option is given twice, the last one counts.
    command: (index) => [...own, ...(metrics === undefined ? [] : ['--metrics', addressOf(metrics, index)]), ...(health === undefined ? [] : ['--health', addressOf(health, index)])],
    signals: process,
    say: (line) => { process.stderr.write(`${line}\n`); },
  });
}

function withoutDevices(words: readonly string[]): string[] {
  return words.filter((word, i) => word !== '--devices' && words[i - 1] !== '--devices' && !word.startsWith('--devices='));
}

/** Returns those of `--allow-publish`, else those of `LLM_BARBER_ALLOW_PUBLISH` (separated by commas); undefined if neither is given. */
function organisations(option: readonly string[], environment: NodeJS.ProcessEnv = process.env): readonly string[] | undefined {
  const names = (option.length > 0 ? option : (environment['LLM_BARBER_ALLOW_PUBLISH']?.split(',') ?? [])).map((name) => name.trim()).filter((name) => name !== '');
  return names.length === 0 ? undefined : names;
}

interface Service {
  connection: ConnectionSettings;
  taskQueue: string;
  state: string;
  store: string | undefined;
  allowedFolders: readonly string[] | undefined;
  mayPublishTo: readonly string[] | undefined;
  shutdownGrace: number;
  version: WorkerVersion | undefined;
  watch: WatchOptions;
  log: Logger;
  say: (line: string) => void;
  onReady: () => void;
}

async function serve({ store, allowedFolders, mayPublishTo, version, log, ...service }: Service): Promise<void> {
  // Loaded here, because the worker's libraries are large and no other command needs them.
  const { runWorker } = await import('../../../worker.js');
  await runWorker({ ...service, ...(store !== undefined && { store }), ...(allowedFolders && { allowedFolders }), ...(mayPublishTo && { mayPublishTo }), ...(version && { version }), logger: log });
}

async function parentsServer(state: string): Promise<ConnectionSettings> {
  const server = await runningServer(state);
  if (server === undefined) throw new ServerUnreachableError({ what: 'the local Temporal server is not running', where: state, remedy: 'It will be tried again' });
  return localConnection(serverAddress(server));
}

/** The IPC channel closes when the parent is gone, for any reason. Then the worker stops, gracefully if it can. */
function endWithParent(log: Logger): void {
  const end = (): void => {
    log.warn('the process that started this worker is gone; stopping');
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.exit(exitCode.runFailed), orphanGraceMs).unref();
  };
  process.channel?.unref();
  process.once('disconnect', end);
  // The parent may have gone while this process was loading.
  if (!process.connected) end();
}
