/** A run on two workers: what becomes of the other shards when one fails, and how evaluations are divided. Real server, made-up activities. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
let meanwhile: (...given: [...Parameters<Parameters<typeof madeUpActivities>[1]>, queue: string]) => Promise<void> = () => Promise.resolve();

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
  server = await startOwnServer(10_000);
  connection = await NativeConnection.connect({ address: server.address });
  const code = readFileSync('dist/workflow-bundle.js', 'utf8');
  for (const taskQueue of queues) {
    const activities = {
      ...madeUpActivities(taskQueue, (name, input) => meanwhile(name, input, taskQueue)),
      takeSeat: ({ beside = [] }: { beside?: string[] }) => Promise.resolve({ taskQueue: queues.find((queue) => !beside.includes(queue)) ?? taskQueue, store: 'made up' }),
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

/** Runs a pipeline with two shards. @param more stages */
async function run(name: string, more = ''): Promise<{ result: PipelineResult; stages: PipelineProgress['stages'] }> {
  const text = `version: 1\nname: ${name}\nmodel: { source: /m }\nstages:\n  - calibration: { dataset: { file: /t.txt }, samples: 4, shards: 2 }\n  - initialMask: { method: wanda, sparsity: 0.5 }\n${more}`;
  const parsed = parsePipeline({ text, path: '/p.yaml', overrides: [] });
  const { start } = await pipelineStart(server.client, requestFor(parsed), queues[0]);
  const handle = await server.client.workflow.start(pipelineWorkflow, { ...start, args: [requestFor(parsed)], workflowId: workflowIdOf(parsed) });
  const result = await handle.result() as PipelineResult;
  const { stages } = await handle.query<PipelineProgress>(progressQuery);
  return { result, stages };
}

it('the other shards are cancelled, and have ended before the run starts over', async () => {
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
  const { result, stages } = await run('divided');
  expect(happened).toEqual(['begins', 'is cancelled', 'begins']);
  expect(result.incidents?.map(({ what }) => what)).toEqual([expect.stringMatching(/^A lost artifact is recomputed/)]);
  expect(stages.map(({ done, total }) => [done, total])).toEqual([[1, 1], [2, 2]]);
});

describe('an evaluation after a calibration in shards', () => {
  const evaluation = '  - evaluation:\n      states: [dense, initial]\n      perplexity: [{ dataset: { file: /e.txt } }, { dataset: { file: /f.txt } }]\n      zeroShot: [{ task: boolq }]\n';
  /** For each unit of work, the workers that its activities ran on. */
  let workers: Map<string, string[]>;
  const note: typeof meanwhile = (name, { path }, queue) => {
    if (path === undefined || !['findPerplexity', 'advanceLayer', 'scorePerplexity', 'scoreLikelihoods'].includes(name)) return Promise.resolve();
    const isDense = path.masks.every((mask) => mask === null);
    // A path of no layers belongs to both states.
    if (path.masks.length > 0) workers.set(`${path.tokens.key} ${isDense}`, [...(workers.get(`${path.tokens.key} ${isDense}`) ?? []), queue]);
    return Promise.resolve();
  };
  let alone: PipelineResult;

  beforeAll(async () => {
    workers = new Map();
    meanwhile = note;
    const { result, stages } = await run('evaluated', evaluation);
    alone = result;
    expect(stages[2].done).toBe(stages[2].total);
  });

  it('measures states and groups of questions on both workers, each on one of them', () => {
    expect([...workers.values()].map((queuesOf) => new Set(queuesOf).size)).toEqual(Array.from(workers, () => 1));
    expect(new Set([...workers].filter(([unit]) => unit.startsWith(keyOf('/e.txt'))).map(([, [queue]]) => queue)).size).toBe(2);
    expect(new Set([...workers.values()].flat()).size).toBe(2);
  });

  it('begins a state again on the other worker if its worker is lost, with the same results', async () => {
    let isLost = false;
    meanwhile = (name, { path }, queue) => {
      if (isLost || name !== 'scorePerplexity' || queue !== queues[1]) return Promise.resolve();
      isLost = true;
      expect(path?.masks).toHaveLength(2);
      throw ApplicationFailure.nonRetryable('the seat is taken', 'SeatLostError');
    };
    const { result, stages } = await run('moved', evaluation);
    expect(isLost).toBe(true);
    expect(result.perplexity).toEqual(alone.perplexity);
    expect(result.zeroShot).toEqual(alone.zeroShot);
    expect(stages[2].done).toBe(stages[2].total);
    expect(result.incidents?.map(({ what }) => what)).toEqual([expect.stringMatching(/^The run went to another worker/)]);
  });
});
