import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker, type LogLevel } from '@temporalio/worker';
import type { Logger } from 'winston';
import { ComputeHost, createActivities } from './activities/index.js';
import { dataConverter } from './cli/codec/data-converter.js';
import { connectFailure } from './cli/connect-failure.js';
import type { ConnectionSettings } from './cli/connection.js';
import { renderReport, renderSweep } from './report/index.js';

export interface WorkerOptions {
  connection: ConnectionSettings;
  taskQueue: string;
  /** State folder: artifacts, outputs and logs. */
  state: string;
  /** Folders that pipelines may read from; everything that this user may read if absent. */
  allowedFolders?: readonly string[];
  logger: Logger;
  /** Called with what the worker's owner should know, a line each. */
  say: (line: string) => void;
  /** Called once the worker polls for work. */
  onReady?: () => void;
}

/** How long activities in flight get to finish when the worker is asked to stop; then they are handed back to the server. */
const shutdownGrace = '1 second';

/**
 * Serves a task queue with workflows and activities until the process is told to stop (SIGTERM, SIGINT).
 * One activity at a time: one worker is one device.
 */
export async function runWorker({ connection: settings, taskQueue, state, allowedFolders, logger, say, onReady }: WorkerOptions): Promise<void> {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      logger.log(winstonLevel(level), message, meta);
    }),
    // Warnings of the SDK's native part go the same way, not to the terminal.
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
    // The worker stops by our own signal handling below, which also ends the compute process.
    shutdownSignals: [],
  });
  const { encrypts, ...converter } = dataConverter((why) => {
    say(`A workflow waits: ${why}`);
  });
  const host = new ComputeHost({
    state,
    ...(allowedFolders && { allowedFolders }),
    onOutput: (line) => {
      logger.info(line, { from: 'compute' });
    },
  });
  const connection = await NativeConnection.connect(settings.options).catch(async (cause: unknown) => {
    throw await connectFailure(settings, cause);
  });
  try {
    const worker = await Worker.create({
      connection,
      namespace: settings.namespace,
      taskQueue,
      ...(await workflowCode(encrypts)),
      dataConverter: { ...converter, ...(encrypts && { failureConverterPath: converterPath }) },
      activities: createActivities({ state, host, renderReport, renderSweep }),
      maxConcurrentActivityTaskExecutions: 1,
      // What the worker says of its work is shown live; by default the server hears of it every 8 seconds.
      maxHeartbeatThrottleInterval: '1 second',
      shutdownGraceTime: shutdownGrace,
      shutdownForceTime: '5 seconds',
      // Seldom needed, but a worker that was killed must not hold up its workflows for long.
      stickyQueueScheduleToStartTimeout: '3 seconds',
    });
    const stop = (): void => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
    const running = worker.run();
    onReady?.();
    await running;
  } finally {
    host.stop();
    await connection.close();
  }
}

const here = dirname(fileURLToPath(import.meta.url));
/** With encryption, what failures say is encrypted, too. */
const converterPath = join(here, 'workflows', 'failure-converter.js');

/** The bundle that the build made; without one (a checkout run from its sources) the workflows are bundled at start. */
async function workflowCode(encrypts: boolean): Promise<{ workflowBundle: { code: string } } | { workflowsPath: string }> {
  const bundle = join(here, encrypts ? 'workflow-bundle-encrypted.js' : 'workflow-bundle.js');
  if (existsSync(bundle)) return { workflowBundle: { code: await readFile(bundle, 'utf8') } };
  return { workflowsPath: join(here, 'workflows', 'index.js') };
}

function winstonLevel(level: LogLevel): string {
  switch (level) {
    case 'ERROR':
      return 'error';
    case 'WARN':
      return 'warn';
    case 'INFO':
      return 'info';
    case 'TRACE':
    case 'DEBUG':
      return 'debug';
  }
}
