/** What becomes of the other shards when one fails: real server, made-up activities on two workers. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pipelineStart, requestFor, workflowIdOf } from '../../app/cli/start-pipeline.js';
import { parsePipeline } from '../../app/config/index.js';
import { startOwnServer, type OwnServer } from '../../tools/histories/own-server.js';
import { pipelineWorkflow, progressQuery, type PipelineProgress, type PipelineResult } from '../../workflows/protocol.js';
import { noSinks } from '../helpers/no-sinks.js';
import { requireBuild, requireTemporalCli } from '../helpers/set-up.js';
import { keyOf, madeUpActivities } from './made-up-activities.js';

requireBuild();
requireTemporalCli();

const queues = ['first', 'second'];
let server: OwnServer;
let connection: NativeConnection;
const serving: { worker: Worker; ended: Promise<void> }[] = [];
/** Called at the start of each activity. */
let meanwhile: Parameters<typeof madeUpActivities>[1] = () => Promise.resolve();

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  server = await startOwnServer(10_000);
  connection = await NativeConnection.connect({ address: server.address });
  const code = readFileSync('dist/workflow-bundle.js', 'utf8');
  let seats = 0;
  for (const taskQueue of queues) {
    const activities = {
      ...madeUpActivities(taskQueue, (name, input) => meanwhile(name, input)),
      takeSeat: () => Promise.resolve({ taskQueue: queues[seats++ % queues.length], store: 'made up' }),
    };
    const worker = await Worker.create({ connection, taskQueue, workflowBundle: { code }, activities, sinks: noSinks, shutdownForceTime: '2 seconds', maxHeartbeatThrottleInterval: '50 ms' });
    serving.push({ worker, ended: worker.run() });
  }
});
afterAll(async () => {
  for (const { worker } of serving) worker.shutdown();
  await Promise.all(serving.map(({ ended }) => ended));
  await connection.close();
  await server.stop();
});

it('are cancelled, and have ended before the run starts over', async () => {
  const happened: string[] = [];
  let isOtherBegun = false;
  meanwhile = async (name, { path }) => {
    if (name === 'sampleCalibration') happened.push('begins');
    if (name !== 'gatherShard' || happened.length > 1) return;
    if (path?.tokens.key === keyOf('shard 0')) {
      while (!isOtherBegun) await sleep(20);
      throw ApplicationFailure.nonRetryable('a mask is gone', 'ArtifactLostError');
    }
    isOtherBegun = true;
    const { cancellationSignal } = Context.current();
    // The run must not start over meanwhile. If it did, this would end, too.
    while (!cancellationSignal.aborted && happened.length < 2) {
      Context.current().heartbeat();
      await sleep(20);
    }
    happened.push('is cancelled');
    cancellationSignal.throwIfAborted();
  };
  const text = 'version: 1\nname: divided\nmodel: { source: /m }\nstages:\n  - calibration: { dataset: { file: /t.txt }, samples: 4, shards: 2 }\n  - initialMask: { method: wanda, sparsity: 0.5 }\n';
  const parsed = parsePipeline({ text, path: '/p.yaml', overrides: [] });
  const workflowId = workflowIdOf(parsed);
  const { start } = await pipelineStart(server.client, requestFor(parsed), queues[0]);
  const handle = await server.client.workflow.start(pipelineWorkflow, { ...start, args: [requestFor(parsed)], workflowId });
  const result = await handle.result() as PipelineResult;
  expect(happened).toEqual(['begins', 'is cancelled', 'begins']);
  expect(result.incidents?.map(({ what }) => what)).toEqual([expect.stringMatching(/^A lost artifact is recomputed/)]);
  const { stages } = await handle.query<PipelineProgress>(progressQuery);
  expect(stages.map(({ done, total }) => [done, total])).toEqual([[1, 1], [2, 2]]);
});
