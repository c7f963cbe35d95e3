/** The live view on a real Temporal server, with a worker whose fake activities rebuild a layer only when the test allows it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { writeSweep } from '../../../activities/write-sweep.js';
import type { WriteSweepInput } from '../../../activities/types.js';
import { connectClient } from '../../../app/cli/client.js';
import { localConnection } from '../../../app/cli/connection.js';
import { sweepRequestFor } from '../../../app/cli/sweep/request.js';
import { startSweep } from '../../../app/cli/sweep/start.js';
import { parseSweep } from '../../../app/config/index.js';
import type { Pipeline } from '../../../app/config/pipeline.js';
import { renderSweep } from '../../../app/report/sweep-report.js';
import { pipelineStart } from '../../../app/cli/start-pipeline.js';
import { serveUi } from '../../../app/ui/serve.js';
import { pipelineWorkflow } from '../../../workflows/protocol.js';
import { demoPipeline, temporaryState } from '../../helpers/demo-run.js';
import { createWorkers } from '../../helpers/workers.js';
import { noSinks } from '../../helpers/no-sinks.js';
import { requireBuild } from '../../helpers/set-up.js';
import { ownNamespace } from '../../helpers/shared-server.js';
import { madeUpActivities } from '../../workflows/made-up-activities.js';

requireBuild();
const taskQueue = 'live';

export interface LiveServer {
  client: Client;
  state: string;
  /** Address of the pages, with the token. */
  address: string;
  /** The address without path and token: `http://127.0.0.1:PORT`. */
  origin: string;
  token: string;
  /** Allows the layers below this one to be rebuilt. */
  allow(layers: number): void;
  /** Starts a pipeline. @returns its path */
  start(workflowId: string, change?: Partial<Pipeline>): Promise<string>;
  /** Starts a sweep over three sparsities. @returns its path */
  startSweep(workflowId: string): Promise<string>;
  /** Disconnects the page from the server, and connects it again. */
  outage: { begin: () => Promise<void>; end: () => Promise<void> };
  /** Requests a page as the user's browser does. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Sends a form as the page does, unless the headers say otherwise. */
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export async function startLiveServer(name: string): Promise<LiveServer> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  const { client, address: server, env } = await ownNamespace(name);
  const line = await cuttable(server);
  const uiClient = await connectClient({ ...localConnection(line.address), namespace: env.TEMPORAL_NAMESPACE });
  const { state, remove } = await temporaryState();
  let allowed = 0;
  const made = madeUpActivities(taskQueue, async (activity, { layer = 0 }) => {
    // The loop ends when the activity is cancelled.
    while (activity === 'rebuildLayer' && layer >= allowed) {
      Context.current().heartbeat(`layer ${layer}`);
      await Context.current().sleep(20);
    }
  });
  const activities = {
    ...made,
    checkSweep: () => Promise.resolve(),
    writeSweep: async ({ sweepId, table }: WriteSweepInput) => writeSweep(state, sweepId, await renderSweep(table)),
  };
  const connection = await NativeConnection.connect({ address: server });
  const worker = await createWorkers({
    sinks: noSinks,
    connection, namespace: env.TEMPORAL_NAMESPACE, taskQueue, workflowBundle: { code: readFileSync('dist/workflow-bundle.js', 'utf8') }, activities, shutdownForceTime: '2 seconds', maxHeartbeatThrottleInterval: '20ms',
  });
  const running = worker.run();
  const options = { state, store: undefined, taskQueue, set: [], allowFloating: false, json: false, verbose: false };
  const ui = await serveUi({ client: uiClient, options, place: 'a server for tests', temporalPage: ({ workflowId }) => `http://127.0.0.1:9/${encodeURIComponent(workflowId)}` }, 0);
  const { origin, searchParams } = new URL(ui.address);
  const token = searchParams.get('token') ?? '';
  const cookie = `llm-barber-ui-${new URL(origin).port}=${token}`;
  return {
    client, state, origin, token, address: ui.address,
    allow: (layers) => (allowed = layers),
    async start(workflowId, change = {}) {
      const pipeline = { ...demoPipeline(), name: workflowId, ...change };
      const { start } = await pipelineStart(client, { pipeline, configDigest: '0'.repeat(64), folder: path.resolve('.') }, taskQueue);
      await client.workflow.start(pipelineWorkflow, { ...start, workflowId });
      return `/runs/${encodeURIComponent(workflowId)}`;
    },
    async startSweep(workflowId) {
      writeFileSync(path.join(state, 'base.yaml'), sweepBase);
      const text = `version: 1\nname: ${workflowId}\npipeline: ./base.yaml\nmatrix: { initialMask.sparsity: [0.4, 0.5, 0.6] }\nmaxParallel: 1\n`;
      await startSweep(client, workflowId, sweepRequestFor(parseSweep({ text, path: path.join(state, 'sweep.yaml') })), taskQueue);
      return `/sweeps/${encodeURIComponent(workflowId)}`;
    },
    outage: { begin: line.cut, end: line.mend },
    get: (at, headers = {}) => fetch(`${origin}${at}`, { redirect: 'manual', headers: { cookie, ...headers } }),
    post: (at, fields, headers = {}) => fetch(`${origin}${at}`, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields), headers: { cookie, origin, ...headers } }),
    async close() {
      await ui.close();
      await uiClient.connection.close();
      await line.cut();
      worker.shutdown();
      await running;
      await connection.close();
      await client.connection.close();
      await remove();
    },
  };
}

const sweepBase = `version: 1
name: member
model: { source: /m }
cost: { perHour: 3600, currency: EUR }
stages:
  - calibration: { dataset: { file: /t.txt } }
  - initialMask: { method: wanda, sparsity: 0.5 }
  - rebuild: { strategy: published }
  - evaluation: { perplexity: [{ dataset: { file: /t.txt } }] }
`;

/** A proxy to a server that can be disconnected. */
async function cuttable(target: string): Promise<{ address: string; cut: () => Promise<void>; mend: () => Promise<void> }> {
  const [host, port] = target.split(':');
  const open = new Set<Socket>();
  const line = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.pipe(other).on('error', () => undefined);
      one.on('error', () => other.destroy()).on('close', () => { open.delete(one); other.destroy(); });
    }
  });
  const listen = (at: number): Promise<void> => new Promise((resolve) => line.listen(at, '127.0.0.1', resolve));
  await listen(0);
  const { port: own } = line.address() as AddressInfo;
  return {
    address: `127.0.0.1:${own}`,
    cut: async () => {
      const closed = new Promise((resolve) => line.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
    mend: () => listen(own),
  };
}

/** Returns the token in the forms of a page. */
export async function formTokenOf({ get }: Pick<LiveServer, 'get'>, page: string): Promise<string> {
  return /name="token" value="([^"]+)"/.exec(await (await get(page)).text())?.[1] ?? '';
}
