/** The steps that the workflow runs for an allocation, on a real server with fake activities. */
import { readFileSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ScoresFound } from '../../activities/types.js';
import { parsePipeline } from '../../app/config/index.js';
import { pipelineStart, requestFor, workflowIdOf } from '../../app/cli/start-pipeline.js';
import { pipelineWorkflow, progressQuery, type PipelineProgress, type PipelineResult } from '../../workflows/protocol.js';
import { noSinks } from '../helpers/no-sinks.js';
import { requireBuild, requireTemporalCli } from '../helpers/set-up.js';
import { ownNamespace } from '../helpers/shared-server.js';
import { madeUpActivities } from './made-up-activities.js';

requireBuild();
requireTemporalCli();

describe('an allocation', () => {
  let client: Client;
  let connection: NativeConnection;
  let worker: Worker;
  let running: Promise<void>;
  let found: ScoresFound | boolean;
  /** Calls for the initial mask, with their layer. */
  let calls: string[] = [];
  beforeEach(() => void (calls = []));

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
    const server = await ownNamespace('allocation');
    ({ client } = server);
    connection = await NativeConnection.connect({ address: server.address });
    const watch = (name: string, input: { layer?: number }): Promise<void> => {
      if (['findScores', 'scoreLayer', 'advanceLayer', 'makeInitialMask'].includes(name)) calls.push(`${name} ${input.layer ?? ''}`.trim());
      return Promise.resolve();
    };
    const activities = { ...madeUpActivities('allocating', watch), findScores: () => Promise.resolve(found) };
    const options = { connection, namespace: server.env.TEMPORAL_NAMESPACE, taskQueue: 'allocating', shutdownForceTime: '2 seconds' } as const;
    worker = await Worker.create({ ...options, workflowBundle: { code: readFileSync('dist/workflow-bundle.js', 'utf8') }, activities, sinks: noSinks });
    running = worker.run();
  });
  afterAll(async () => {
    worker.shutdown();
    await running;
    await connection.close();
    await client.connection.close();
  });

  async function run(name: string, allocation: string, calibrated = true): Promise<{ result: PipelineResult; progress: PipelineProgress }> {
    const calibration = calibrated ? '  - calibration: { dataset: { file: /t.txt } }\n' : '';
    const text = `version: 1\nname: ${name}\nmodel: { source: /m }\nstages:\n${calibration}  - initialMask: { method: magnitude, sparsity: 0.5, allocation: { method: ${allocation} } }\n`;
    const parsed = parsePipeline({ text, path: '/p.yaml', overrides: [] });
    const { start } = await pipelineStart(client, requestFor(parsed), 'allocating');
    const handle = await client.workflow.start(pipelineWorkflow, { ...start, args: [requestFor(parsed)], workflowId: workflowIdOf(parsed) });
    return { result: (await handle.result()) as PipelineResult, progress: await handle.query<PipelineProgress>(progressQuery) };
  }
  const masks = ['makeInitialMask 0', 'makeInitialMask 1'];

  it.each<[string, string, ScoresFound | boolean, string[], number]>([
    ['inputs', 'dlp', { needs: 'inputs', known: false }, ['scoreLayer 0', 'scoreLayer 1'], 0],
    ['gradients', 'sensitivity', { needs: 'gradients', known: false }, ['advanceLayer 0', 'advanceLayer 1', 'scoreLayer 1', 'scoreLayer 0'], 0],
    ['known-inputs', 'dlp', { needs: 'inputs', known: true }, [], 2],
    ['known-gradients', 'sensitivity', { needs: 'gradients', known: true }, [], 4],
    // Answers of workers that knew only these two methods.
    ['former-owl', 'owl', false, ['scoreLayer 0', 'scoreLayer 1'], 0],
    ['former-sensitivity', 'sensitivity', true, [], 4],
  ])('%s: scores what is missing in the order that the method needs', async (name, method, answer, expected, reused) => {
    found = answer;
    const { result, progress } = await run(name, method);
    expect(calls).toEqual([...expected, ...masks]);
    expect(result.reused).toBe(reused);
    const stage = progress.stages[1];
    expect(stage).toMatchObject({ done: 2 + reused + expected.length, total: 2 + reused + expected.length, reused });
  });

  it.each([true, false])('by position runs nothing before the masks, calibrated: %s', async (calibrated) => {
    found = { needs: 'nothing', known: true };
    const { result, progress } = await run(`place-${calibrated}`, 'ramp', calibrated);
    expect(calls).toEqual(masks);
    expect(result.reused).toBe(0);
    expect(progress.stages.at(-1)).toMatchObject({ done: 2, total: 2, reused: 0 });
  });
});
