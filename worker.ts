import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builtFolder } from '#setup/paths.mjs';
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Worker, type LogLevel, type WorkerTuner } from '@temporalio/worker';
import type { Logger } from 'winston';
import { ComputeHost, createActivities, createSharedActivities, IncidentPost, IncidentWatch, Seat, type Incident } from './activities/index.js';
import { openStore } from './files/artifacts/index.js';
import { dataConverter } from './app/cli/codec/data-converter.js';
import { connectFailure } from './app/cli/connect-failure.js';
import { workerIdentity } from './app/cli/local/pollers.js';
import type { ConnectionSettings } from './app/cli/connection.js';
import { becomeCurrent, deploymentOptions, type WorkerVersion } from './app/cli/worker-version.js';
import { exitCode } from './app/cli/exit-codes.js';
import type { PageRequest } from './activities/write-report.js';
import { renderReport } from './app/report/index.js';
import { renderCard } from './app/report/model-card.js';
import { renderSearch } from './app/report/search-report.js';
import { renderSweep } from './app/report/sweep-report.js';
import type { WatchOptions } from './app/operate/options.js';
import { WorkerMonitor } from './app/operate/worker-monitor.js';
import { withChanges } from './workflows/changes.js';
import { incidentSignal } from './workflows/protocol.js';
import { sweepQueue } from './workflows/sweep-protocol.js';

export interface WorkerOptions {
  connection: ConnectionSettings;
  taskQueue: string;
  /** State folder: artifacts, outputs and logs. */
  state: string;
  /** Where the artifacts are: a folder, or `s3://bucket/prefix`. Default: in the state folder. */
  store?: string;
  /** Folders that pipelines may read from. Default: everything that this user may read. */
  allowedFolders?: readonly string[];
  /** Organisations of hubs that pipelines may publish to. Default: any. */
  mayPublishTo?: readonly string[];
  /** Seconds that the current unit of work may still take when the worker is asked to stop. After that it is handed over. */
  shutdownGrace: number;
  /** For rolling upgrades: runs stay with workers of the version that began them. Without it, any worker takes any run. */
  version?: WorkerVersion;
  /** How the worker can be monitored. */
  watch?: WatchOptions;
  logger: Logger;
  /** Called with each line that the worker's owner should see. */
  say: (line: string) => void;
  /** Called once the worker polls for work. */
  onReady?: () => void;
}

/**
 * Serves runs, one at a time, until the process is told to stop (SIGTERM, SIGINT). One worker serves one device. On the shared task
 * queue it runs workflow code, and takes a run whenever its seat is free. The activities of that run then come through the worker's
 * own task queue. At the first signal to stop, the worker hands over its run. At the second, it ends at once.
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { connection: settings, taskQueue, state, store, allowedFolders, mayPublishTo, version, logger, say } = options;
  const artifacts = await openStore(state, store);
  const watched = new WorkerMonitor(options.watch ?? {}, {
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      logger.log(winstonLevel(level), message, meta);
    }),
    // Warnings of the SDK's native code go to the same logger, not to the terminal.
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
    // Our own signal handling below stops the worker. It also ends the compute process.
    shutdownSignals: [],
  }, say);
  const { metrics: figures } = watched;
  const { encrypts, ...converter } = dataConverter((why) => {
    say(`A workflow waits: ${why}`);
  });
  const seat = new Seat((run) => {
    figures.setSeatTaken(run !== undefined);
  });
  let onIncident: (what: Incident) => void = () => undefined;
  const host = new ComputeHost({
    state,
    onIdleEnd: (how) => {
      onIncident({ at: new Date().toISOString(), what: `The compute process ended between two units of work (${how})` });
    },
    onIncident: (what) => {
      onIncident({ at: new Date().toISOString(), what });
    },
    ...(store !== undefined && { store }),
    ...(allowedFolders && { allowedFolders }),
    onOutput: (line) => {
      logger.info(line, { from: 'compute' });
    },
  });
  const connection = await NativeConnection.connect(settings.options).catch(async (cause: unknown) => {
    throw await connectFailure(settings, cause);
  });
  const client = new Client({ connection, namespace: settings.namespace, dataConverter: converter });
  const post = new IncidentPost(
    (run, incident) => client.workflow.getHandle(run).signal(incidentSignal, incident),
    (error) => error instanceof WorkflowNotFoundError,
  );
  onIncident = (incident) => {
    logger.warn(incident.what);
    figures.incident();
    if (seat.latest !== undefined) post.add(seat.latest, incident);
  };
  const watch = new IncidentWatch({
    computePid: () => host.pid,
    askServer: () => connection.withDeadline(Date.now() + serverPatienceMs, () => connection.workflowService.getSystemInfo({})).then(() => {
      watched.serverAnswered();
      void post.flush();
    }),
    onIncident,
  });
  try {
    await watched.serveHealth(() => ({ taskQueue, run: seat.present ?? null }));
    const common = {
      connection,
      namespace: settings.namespace,
      identity: workerIdentity(),
      dataConverter: { ...converter, ...(encrypts && { failureConverterPath: converterPath }) },
      shutdownGraceTime: '1 second',
      shutdownForceTime: '5 seconds',
    };
    const ownQueue = `${taskQueue}-${randomUUID()}`;
    const sharedActivities = createSharedActivities({ seat, state, store: artifacts, taskQueue: ownQueue, worker: common.identity, renderSweep, renderSearch, withChanges });
    const shared = await Worker.create({
      ...common,
      taskQueue,
      ...(await workflowCode(encrypts)),
      // Also those of sweeps and searches that were begun by earlier versions, which had no task queue for them.
      activities: sharedActivities,
      tuner: tunerFor(seat),
      sinks: watched.sinks,
      ...(version && { workerDeploymentOptions: deploymentOptions(version) }),
      // Rarely matters, but a worker that was killed must not delay its workflows for long.
      stickyQueueScheduleToStartTimeout: '3 seconds',
    });
    const own = await Worker.create({
      ...common,
      taskQueue: ownQueue,
      activities: createActivities({ state, host, seat, store: artifacts, renderReport, renderPage, renderCard, ...(mayPublishTo && { mayPublishTo }) }),
      maxConcurrentActivityTaskExecutions: 1,
      interceptors: { activity: [figures.interceptors] },
      // Progress is shown live. By default heartbeats reach the server only every 8 seconds.
      maxHeartbeatThrottleInterval: '1 second',
    });
    const sweeps = await Worker.create({ ...common, taskQueue: sweepQueue(taskQueue), activities: sharedActivities });
    await serve([shared, own, sweeps], seat, host, watched, options, async () => {
      if (version !== undefined) await becomeCurrent(connection, settings.namespace, version, say);
    });
  } finally {
    watch.end();
    await host.end();
    await connection.close();
    await watched.end();
  }
}

/** How long the server may take to answer before it counts as unreachable. */
const serverPatienceMs = 1_500;

/** The seat decides when to ask for a run. The other numbers are the SDK's defaults. */
function tunerFor(seat: Seat): WorkerTuner {
  const fixed = { type: 'fixed-size', numSlots: 40 } as const;
  return { workflowTaskSlotSupplier: fixed, activityTaskSlotSupplier: seat.slots(), localActivityTaskSlotSupplier: fixed, nexusTaskSlotSupplier: fixed };
}

async function serve(workers: Worker[], seat: Seat, host: ComputeHost, watched: WorkerMonitor, options: WorkerOptions, afterStart: () => Promise<void>): Promise<void> {
  const shutDown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) {
      options.logger.warn('told twice to stop; ending at once');
      host.stop();
      process.exit(exitCode.runFailed);
    }
    isStopping = true;
    watched.setState('stopping');
    options.logger.info('stopping', { grace: options.shutdownGrace });
    if (seat.present !== undefined) options.say(`Stopping. The layer in flight has ${options.shutdownGrace} s to end; then another worker can go on with the run. A second signal ends this worker at once.`);
    void seat.close(options.shutdownGrace * 1000).then(shutDown);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  // If one worker cannot continue, the others must not hold runs that nobody would work on.
  const running = workers.map((worker) => worker.run().finally(shutDown));
  try {
    await Promise.race([afterStart(), ...running]);
    if (!isStopping) {
      watched.setState('serving');
      options.onReady?.();
    }
    await Promise.all(running);
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop);
    shutDown();
    await Promise.allSettled(running);
  }
}

/** Loads the chart library only with the first page. Nothing else in a worker needs it. */
async function renderPage(request: PageRequest): Promise<string> {
  const { renderRunPage } = await import('./app/report/page/run-page.js');
  return renderRunPage(request);
}

/** With encryption, failure messages are encrypted, too. */
const converterPath = join(builtFolder, 'workflows', 'failure-converter.js');

/** Returns the workflow bundle from the build. Without one, the workflows are bundled at start. */
async function workflowCode(encrypts: boolean): Promise<{ workflowBundle: { code: string } } | { workflowsPath: string }> {
  const bundle = join(builtFolder, encrypts ? 'workflow-bundle-encrypted.js' : 'workflow-bundle.js');
  if (existsSync(bundle)) return { workflowBundle: { code: await readFile(bundle, 'utf8') } };
  return { workflowsPath: join(builtFolder, 'workflows', 'index.js') };
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
