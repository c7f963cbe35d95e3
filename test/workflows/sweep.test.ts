/** The sweep workflow on a real server, with real member workflows and fake activities. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addedMembers, sweepIdOf, sweepRequestFor } from '../../app/cli/sweep/request.js';
import { resumed, startSweep } from '../../app/cli/sweep/start.js';
import type { WriteSweepInput } from '../../activities/types.js';
import { checkSweepRequest, parseSweep } from '../../app/config/index.js';
import type { InitialMaskStage, Pipeline, RebuildStage } from '../../app/config/pipeline.js';
import { withChanges } from '../../workflows/changes.js';
import { addMembersSignal, sweepRequestQuery, sweepTableQuery, type SweepRequest, type SweepResult, type SweepTable } from '../../workflows/sweep-protocol.js';
import { createWorkers } from '../helpers/workers.js';
import { noSinks } from '../helpers/no-sinks.js';
import { requireBuild, requireTemporalCli } from '../helpers/set-up.js';
import { ownNamespace } from '../helpers/shared-server.js';

const bundle = 'dist/workflow-bundle.js';
requireBuild();
requireTemporalCli();

describe('sweep workflow', () => {
  const state = mkdtempSync(path.join(tmpdir(), 'sweep-'));
  let client: Client;
  let connection: NativeConnection;
  let worker: Awaited<ReturnType<typeof createWorkers>>;
  let running: Promise<void>;
  let count = 0;

  /** What the fake activities have seen. */
  let started: string[] = [];
  let atOnce = 0;
  let maxAtOnce = 0;
  let written: SweepTable[] = [];
  /** Members (sparsity/ratio) that wait until they are released. Those in `failing` fail. */
  let held = new Set<string>();
  let failing = new Set<string>();

  const memberOf = ({ stages }: Pipeline): string => {
    const mask = stages.find((stage): stage is InitialMaskStage => stage.type === 'initialMask');
    const rebuild = stages.find((stage): stage is RebuildStage => stage.type === 'rebuild');
    return `${mask?.sparsity ?? ''}/${rebuild?.ratio ?? ''}`;
  };
  const perplexityOf = (member: string): number => 100 * Number(member.split('/')[0]) + Number(member.split('/')[1]);

  const activities: Record<string, (input: never) => Promise<unknown>> = {
    // One worker does everything, so its own queue is the shared one.
    takeSeat: () => Promise.resolve({ taskQueue: 'sweeps', store: 'made up' }),
    async prepareRun({ pipeline }: { pipeline: Pipeline }) {
      const member = memberOf(pipeline);
      started.push(member);
      maxAtOnce = Math.max(maxAtOnce, ++atOnce);
      try {
        while (held.has(member)) {
          Context.current().heartbeat();
          await Promise.race([sleep(20), Context.current().cancelled]);
        }
        await sleep(30);
        if (failing.has(member)) throw ApplicationFailure.nonRetryable('made up', 'MadeUpError');
        return { member, model: { source: '/m', layers: 0, prunable: 1 }, engine: {}, pattern: 'unstructured', sparsity: 0.5 };
      } finally {
        atOnce--;
      }
    },
    sampleCalibration: () => Promise.resolve({ tokens: { key: 'k' }, seconds: 1, reused: false }),
    sampleEvaluation: () => Promise.resolve({ tokens: { key: 'k' }, seconds: 4, reused: true }),
    findPerplexity: ({ context }: { context: { member: string } }) => Promise.resolve({ perplexity: perplexityOf(context.member), scored: 1, seconds: 1, reused: false }),
    proveMasks: () => Promise.resolve(),
    writeOutputs: () => Promise.resolve({ checkpoint: '/c', mask: '/k', pruned: 0, seconds: 0, reused: false }),
    proveOutputs: () => Promise.resolve({ proof: '/p', seconds: 0, reused: false }),
    writeReport: () => Promise.resolve('/report.md'),
    checkSweep: (sent: unknown) => checkSweepRequest(sent, 'sweep', withChanges),
    writeSweep: ({ table }: WriteSweepInput) => {
      written.push(table);
      return Promise.resolve('/sweep.md');
    },
  };

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
    const own = await ownNamespace('sweep');
    client = own.client;
    connection = await NativeConnection.connect({ address: own.address });
    worker = await createWorkers({
      connection,
      namespace: client.options.namespace,
      taskQueue: 'sweeps',
      workflowBundle: { code: readFileSync(bundle, 'utf8') },
      activities,
      sinks: noSinks,
      maxConcurrentActivityTaskExecutions: 20,
      shutdownForceTime: '2 seconds',
    });
    running = worker.run();
  });
  afterAll(async () => {
    held.clear();
    worker.shutdown();
    await running;
    await connection.close();
    await client.connection.close();
    rmSync(state, { recursive: true });
  });
  beforeEach(() => {
    [started, written, held, failing, atOnce, maxAtOnce] = [[], [], new Set(), new Set(), 0, 0];
  });

  const dataset = '{ file: /t.txt }';
  const pipelineText = `version: 1\nname: p\nmodel: { source: /m }\nstages:\n  - calibration: { dataset: ${dataset} }\n  - initialMask: { method: wanda, sparsity: 0.5 }\n  - rebuild: { strategy: published }\n  - evaluation: { states: [rebuilt], perplexity: [{ dataset: ${dataset} }] }\n`;
  function request(text: string, more: Partial<SweepRequest> = {}, gates = ''): SweepRequest {
    const file = gates === '' ? 'p.yaml' : 'gated.yaml';
    writeFileSync(path.join(state, file), `${pipelineText}${gates}`);
    return { ...sweepRequestFor(parseSweep({ text: `version: 1\nname: s\npipeline: ./${file}\n${text}`, path: path.join(state, 's.yaml') })), ...more };
  }
  async function start(of: SweepRequest, workflowId = `${sweepIdOf(of)}-${count++}`): Promise<WorkflowHandle<() => Promise<SweepResult>>> {
    await startSweep(client, workflowId, of, 'sweeps');
    return client.workflow.getHandle<() => Promise<SweepResult>>(workflowId);
  }
  const statuses = ({ rows }: SweepTable): Record<string, string> => Object.fromEntries(rows.map(({ name, status }) => [name, status]));
  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await sleep(20);
  }

  it('runs a limited number of members at once, starts with those that share least, and continues if one fails', async () => {
    failing.add('0.6/0.1');
    held = new Set([0.4, 0.5, 0.6].flatMap((sparsity) => [`${sparsity}/0.1`, `${sparsity}/0.2`]));
    const handle = await start(request('matrix: { initialMask.sparsity: [0.4, 0.5, 0.6], rebuild.ratio: [0.1, 0.2] }\nmaxParallel: 2\nbest: { metric: perplexity.rebuilt, goal: max }\n'));
    for (let ended = 0; ended < 6; ended++) {
      await until(() => started.length === Math.min(6, ended + 2));
      held.delete(started[ended]);
    }
    const result = await handle.result();
    expect(maxAtOnce).toBe(2);
    expect(started.slice(0, 3).map((member) => member.split('/')[0]).sort()).toEqual(['0.4', '0.5', '0.6']);
    expect(statuses(result)).toMatchObject({ 'sparsity=0.6,ratio=0.1': 'failed', 'sparsity=0.6,ratio=0.2': 'done', 'sparsity=0.4,ratio=0.2': 'done' });
    expect(Object.values(statuses(result)).filter((status) => status === 'done')).toHaveLength(5);
    expect(result.rows.find(({ status }) => status === 'failed')?.error).toEqual({ type: 'MadeUpError', message: 'made up' });
    expect(result.best).toEqual({ metric: 'perplexity.rebuilt', goal: 'max', name: 'sparsity=0.6,ratio=0.2', value: 60.2 });
    expect(result.rows[0]).toMatchObject({ workflowId: `${handle.workflowId}.${result.rows[0].name}`, perplexity: { rebuilt: { 't.txt': perplexityOf('0.4/0.1') } } });
    // The windows of the evaluation were found. Calibration and perplexity are the member's own work.
    expect(result.rows[0]).toMatchObject({ seconds: 6, spent: 2 });
    expect(written).toEqual([expect.objectContaining({ rows: result.rows })]);
    const memo = (await client.workflow.getHandle(result.rows[0].workflowId).describe()).memo;
    expect(memo).toMatchObject({ pipeline: 'p', model: 'm', sparsity: 0.4, methods: ['wanda', 'published'] });
    const found = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query: "PruningModel = 'm' AND PruningSparsity = 0.6 AND PruningMethods = 'wanda'" })) ids.push(workflowId);
      return ids.sort();
    };
    await expect.poll(found, { timeout: 60_000 }).toEqual(['ratio=0.1', 'ratio=0.2'].map((name) => `${handle.workflowId}.sparsity=0.6,${name}`));
  });

  it('waits no ten minutes for a check or a report that a worker took and lost', async () => {
    const handle = await start(request('matrix: { initialMask.sparsity: [0.5] }\n'));
    await handle.result();
    const { events = [] } = await handle.fetchHistory();
    const patience = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: asked }) => (asked ? [[asked.activityType?.name, Number(asked.heartbeatTimeout?.seconds)]] : []));
    expect(patience).toEqual([['checkSweep', 30], ['writeSweep', 30]]);
  });

  it('skips what is pointless by `stopWhen`: larger values of one path with other values equal', async () => {
    const handle = await start(request('matrix: { initialMask.sparsity: [0.5, 0.6, 0.7], rebuild.ratio: [0.1, 0.9] }\nstopWhen: { metric: perplexity.rebuilt, above: 50.5, along: initialMask.sparsity }\n'));
    // 50.1 is not above the limit, 50.9 is.
    expect(statuses(await handle.result())).toEqual({
      'sparsity=0.5,ratio=0.1': 'done', 'sparsity=0.6,ratio=0.1': 'done', 'sparsity=0.7,ratio=0.1': 'skipped',
      'sparsity=0.5,ratio=0.9': 'done', 'sparsity=0.6,ratio=0.9': 'skipped', 'sparsity=0.7,ratio=0.9': 'skipped',
    });
    expect(started).toHaveLength(3);
    expect(written[0].rows.find(({ name }) => name === 'sparsity=0.7,ratio=0.9')?.because).toBe('perplexity.rebuilt of sparsity=0.5,ratio=0.9 is above 50.5');
  });

  it('runs small values first with `stopWhen`, for every order of the file', async () => {
    const handle = await start(request('matrix: { initialMask.sparsity: [0.7, 0.5, 0.6], rebuild.ratio: [0.1, 0.9] }\nstopWhen: { metric: perplexity.rebuilt, above: 50, along: initialMask.sparsity }\n'));
    expect(Object.values(statuses(await handle.result())).sort()).toEqual(['done', 'done', 'skipped', 'skipped', 'skipped', 'skipped']);
    expect(started).toEqual(['0.5/0.1', '0.5/0.9']);
  });

  it('skips what is pointless because a quality gate failed', async () => {
    const gates = 'gates: [{ name: fit, check: rebuilt perplexity <= 55 }]\n';
    const handle = await start(request('matrix: { initialMask.sparsity: [0.5, 0.6, 0.7] }\nstopWhen: { gate: failed, along: initialMask.sparsity }\n', {}, gates));
    const { rows } = await handle.result();
    expect(rows).toMatchObject([{ status: 'done' }, { status: 'gateFailed' }, { status: 'skipped', because: 'a quality gate of sparsity=0.6 failed' }]);
    expect(started).toHaveLength(2);
  });

  it('reports a member with a failed quality gate, never picks it as best, and does not run it again', async () => {
    const gated = request('matrix: { initialMask.sparsity: [0.5, 0.6] }\nbest: { metric: perplexity.rebuilt, goal: max }\n', {}, 'gates: [{ name: fit, check: rebuilt perplexity <= 55 }]\n');
    const handle = await start(gated);
    const result = await handle.result();
    expect(result.rows).toMatchObject([{ status: 'done' }, { status: 'gateFailed', because: 'fit', perplexity: { rebuilt: { 't.txt': perplexityOf('0.6/0.1') } } }]);
    expect(result.best?.name).toBe('sparsity=0.5');
    const found = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query: `PruningGate = 'failed' AND WorkflowId STARTS_WITH '${handle.workflowId}.'` })) ids.push(workflowId);
      return ids;
    };
    await expect.poll(found, { timeout: 30_000 }).toEqual([`${handle.workflowId}.sparsity=0.6`]);
    expect((await client.workflow.getHandle(`${handle.workflowId}.sparsity=0.5`).describe()).memo).toMatchObject({ gate: 'passed' });
    const { outcomes } = resumed(await handle.query<SweepRequest>(sweepRequestQuery));
    expect(Object.keys(outcomes)).toEqual(['sparsity=0.5', 'sparsity=0.6']);
  });

  it('continues as new with finished members, so that no history grows with their number', async () => {
    const handle = await start(request('matrix: { rebuild.ratio: [0.1, 0.2, 0.3, 0.4, 0.5] }\nmaxParallel: 2\n', { membersPerRun: 2 }));
    const result = await handle.result();
    expect(Object.values(statuses(result))).toEqual(Array.from({ length: 5 }, () => 'done'));
    expect(started).toHaveLength(5);
    const runs = async (): Promise<number[]> => {
      const lengths: number[] = [];
      for await (const { status, historyLength } of client.workflow.list({ query: `WorkflowId = '${handle.workflowId}'` })) if (status.name !== 'RUNNING') lengths.push(historyLength ?? 0);
      return lengths;
    };
    await expect.poll(runs, { timeout: 60_000 }).toHaveLength(3);
    expect(Math.max(...(await runs()))).toBeLessThan(50);
  });

  it('shows the number of its members after members were added and it has continued as new', async () => {
    held.add('0.5/0.1');
    const first = request('matrix: { initialMask.sparsity: [0.5], rebuild.ratio: [0.1, 0.2] }\nmaxParallel: 1\n', { membersPerRun: 1 });
    const handle = await start(first);
    await until(() => started.length === 1);
    await handle.signal(addMembersSignal, addedMembers(first, ['ratio=0.3']));
    await expect.poll(async () => (await handle.describe()).memo, { timeout: 30_000 }).toMatchObject({ members: 3 });
    held.clear();
    expect((await handle.result()).rows).toHaveLength(3);
    expect((await client.workflow.getHandle(handle.workflowId).describe()).memo).toMatchObject({ members: 3 });
  });

  it('accepts more members while it runs, and does not repeat finished ones after a cancellation', async () => {
    held.add('0.5/0.2');
    const first = request('matrix: { initialMask.sparsity: [0.5], rebuild.ratio: [0.1, 0.2] }\n');
    const handle = await start(first);
    await until(() => started.includes('0.5/0.2'));
    const added = addedMembers(first, ['ratio=0.3']);
    await handle.signal(addMembersSignal, added);
    await handle.signal(addMembersSignal, added);
    const table = await handle.query<SweepTable>(sweepTableQuery);
    expect(statuses(table)).toEqual({ 'sparsity=0.5,ratio=0.1': 'done', 'sparsity=0.5,ratio=0.2': 'running', 'sparsity=0.5,ratio=0.3': 'waiting' });

    await handle.cancel();
    await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect((await client.workflow.getHandle(table.rows[1].workflowId).describe()).status.name).toBe('CANCELLED');
    expect(statuses(written[0])).toMatchObject({ 'sparsity=0.5,ratio=0.1': 'done', 'sparsity=0.5,ratio=0.2': 'cancelled', 'sparsity=0.5,ratio=0.3': 'waiting' });

    held.clear();
    started = [];
    const state = await handle.query<SweepRequest>(sweepRequestQuery);
    const again = await start(resumed(state), handle.workflowId);
    expect(Object.values(statuses(await again.result()))).toEqual(['done', 'done', 'done']);
    expect(started).toEqual(['0.5/0.2', '0.5/0.3']);

    // Members can also be added after the end of the sweep.
    started = [];
    const ended = await again.query<SweepRequest>(sweepRequestQuery);
    const more = addedMembers(ended, ['initialMask.sparsity=0.6']);
    const last = await start({ ...resumed(ended), members: [...ended.members, ...more.members], choice: more.choice }, handle.workflowId);
    expect((await last.result()).rows).toHaveLength(6);
    expect(started).toEqual(['0.6/0.1', '0.6/0.2', '0.6/0.3']);
  });

  it('takes its members along when it is terminated, and the next sweep waits until they are gone', async () => {
    held.add('0.5/0.1');
    const first = request('matrix: { rebuild.ratio: [0.1] }\n');
    const handle = await start(first);
    await until(() => started.length === 1);
    await handle.terminate();
    held.clear();
    const again = await start(first, handle.workflowId);
    expect((await again.result()).rows[0].status).toBe('done');
  });
});

it('reports values that cannot be added', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sweep-add-'));
  try {
    writeFileSync(path.join(folder, 'p.yaml'), 'version: 1\nname: p\nmodel: { source: /m }\nstages:\n  - initialMask: { method: magnitude, sparsity: 0.5 }\n');
    const request = sweepRequestFor(parseSweep({ text: 'version: 1\nname: s\npipeline: ./p.yaml\nmatrix: { initialMask.sparsity: [0.5] }\n', path: path.join(folder, 's.yaml') }));
    expect(() => addedMembers(request, ['ratio=0.5'])).toThrow(/ratio=0.5 does not name a value of the sweep's matrix; expected initialMask.sparsity=VALUE/);
    expect(() => addedMembers(request, ['sparsity=0.5'])).toThrow(/already has all members with sparsity=0\.5/);
    expect(() => addedMembers(request, ['sparsity=2'])).toThrow(/initialMask.sparsity=2: `sparsity` is 2; expected a number above 0 and below 1/);
    expect(addedMembers(request, ['sparsity=0.7', 'initialMask.sparsity=0.6']).members.map(({ name }) => name)).toEqual(['sparsity=0.7', 'sparsity=0.6']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
