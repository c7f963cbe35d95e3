/** Runs that continue as new, on a real server that suggests it after a few events, with fake activities. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type InjectedSinks } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunContext } from '../../activities/types.js';
import { listCommand } from '../../app/cli/commands/list.js';
import { pauseCommand, resumeCommand } from '../../app/cli/commands/pause.js';
import { retryCommand } from '../../app/cli/commands/retry.js';
import { watchCommand } from '../../app/cli/commands/watch.js';
import type { GlobalOptions } from '../../app/cli/options.js';
import { pipelineStart, requestFor, workflowIdOf } from '../../app/cli/start-pipeline.js';
import { liveKeys } from '../../app/cli/store/live-keys.js';
import { parsePipeline } from '../../app/config/index.js';
import { startOwnServer, type OwnServer } from '../../tools/histories/own-server.js';
import type { EndedRun, RunSinks } from '../../workflows/run-end.js';
import { incidentSignal, pauseSignal, pipelineWorkflow, progressQuery, resumeSignal, type PipelineProgress, type PipelineRequest, type PipelineResult } from '../../workflows/protocol.js';
import { requireBuild } from '../helpers/set-up.js';
import { keyOf, madeUpActivities } from './made-up-activities.js';

const bundle = 'dist/workflow-bundle.js';
requireBuild();
const suggestedEvents = 30;
/** Between two points where a run may continue as new, the layers of one text run for one state. */
const maxEvents = suggestedEvents + 60;

describe('pipelines that continue as new', () => {
  let server: OwnServer;
  let client: Client;
  let connection: NativeConnection;
  const serving: { worker: Worker; ended: Promise<void> }[] = [];
  /** The ends of runs that the workers were told. */
  const ended: EndedRun[] = [];
  const sinks: InjectedSinks<RunSinks> = { runs: { ended: { fn: (_, run) => void ended.push(run) } } };
  /** The calls of activities so far. */
  let calls: { name: string; context: RunContext | undefined; spent: number | undefined }[] = [];
  /** Called with the masks that a stage has made. */
  let proves: (masks: string[]) => void = () => undefined;
  /** Called in every activity. */
  let meanwhile: (name: string, call: number) => Promise<void> = () => Promise.resolve();

  async function serve(taskQueue: string, code: string): Promise<void> {
    const activities = madeUpActivities(taskQueue, async (name, { context, spent, masks }) => {
      calls.push({ name, context, spent });
      if (name === 'proveMasks') proves(masks ?? []);
      await meanwhile(name, calls.length);
    });
    const worker = await Worker.create({ connection, taskQueue, workflowBundle: { code }, activities, sinks, shutdownForceTime: '2 seconds' });
    serving.push({ worker, ended: worker.run() });
  }

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
    server = await startOwnServer(suggestedEvents);
    ({ client } = server);
    connection = await NativeConnection.connect({ address: server.address });
    const code = readFileSync(bundle, 'utf8');
    await serve('continuing', code);
    const check = /(const isLong = )continueAsNewSuggested/;
    expect(code).toMatch(check);
    await serve('at once', code.replace(check, '$1false'));
    const limit = /(\bevents: )8_000\b/;
    expect(code).toMatch(limit);
    await serve('unsuggested', code.replace(check, '$1false').replace(limit, `$1${suggestedEvents}`));
    vi.stubEnv('TEMPORAL_ADDRESS', server.address);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    for (const { worker } of serving) worker.shutdown();
    await Promise.all(serving.map(({ ended }) => ended));
    await connection.close();
    await server.stop();
  });
  beforeEach(() => {
    [calls, meanwhile] = [[], () => Promise.resolve()];
  });

  const text = (name: string): string => `version: 1
name: ${name}
model: { source: /m }
stages:
  - calibration: { dataset: { file: /t.txt } }
  - initialMask: { method: sparsegpt, sparsity: 0.5, allocation: { method: owl } }
  - rebuild: { strategy: published }
  - evaluation:
      states: [dense, rebuilt]
      perplexity: [{ dataset: { file: /a.txt } }, { dataset: { file: /b.txt } }]
      zeroShot: [{ name: mine, file: /d.jsonl }]
gates: [seconds total <= 10000]
`;
  const options: GlobalOptions = { state: '/nowhere', store: undefined, taskQueue: 'continuing', set: [], allowFloating: false, json: true, verbose: false };

  async function start(name: string, more: Partial<PipelineRequest> = {}, taskQueue = 'continuing', stages = text): Promise<string> {
    const parsed = parsePipeline({ text: stages(name), path: '/p.yaml', overrides: [] });
    const workflowId = workflowIdOf(parsed);
    const { start: how } = await pipelineStart(client, { ...requestFor(parsed), ...more }, taskQueue);
    await client.workflow.start(pipelineWorkflow, { ...how, args: [{ ...requestFor(parsed), ...more }], workflowId });
    return workflowId;
  }
  const resultOf = (workflowId: string): Promise<PipelineResult> => client.workflow.getHandle<() => Promise<PipelineResult>>(workflowId).result();
  const progressOf = (workflowId: string): Promise<PipelineProgress> => client.workflow.getHandle(workflowId).query<PipelineProgress>(progressQuery);
  /** Returns the number of events of every execution, once the server lists them. */
  async function executions(workflowId: string): Promise<number[]> {
    for (;;) {
      const found: number[] = [];
      let ended = false;
      for await (const { status, historyLength } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
        found.push(historyLength ?? 0);
        ended ||= status.name === 'COMPLETED';
      }
      if (ended) return found;
      await sleep(50);
    }
  }
  /** Returns what a command prints as JSON. */
  async function printed<T>(command: () => Promise<number>): Promise<T> {
    const lines: string[] = [];
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
    const quiet = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    try {
      expect(await command()).toBe(0);
    } finally {
      spy.mockRestore();
      quiet.mockRestore();
    }
    return JSON.parse(lines.join('')) as T;
  }

  it('give the same result as one execution, on one seat, with progress that never goes back', async () => {
    const expected = await resultOf(await start('whole', {}, 'at once'));
    const asked = calls.map(({ name }) => name);
    calls = [];
    const seen: { done: number; stages: number }[] = [];
    let workflowId = '';
    meanwhile = async (name) => {
      if (name === 'takeSeat' || name === 'prepareRun' || workflowId === '') return;
      const { stages } = await progressOf(workflowId);
      seen.push({ done: stages.reduce((sum, { done }) => sum + done, 0), stages: stages.filter(({ state }) => state === 'done').length });
    };
    workflowId = await start('parts');
    const { timeline, ...result } = await resultOf(workflowId);
    const { timeline: wholeTimeline, ...whole } = expected;
    expect({ ...result, name: 'whole', configDigest: expected.configDigest }).toEqual(whole);
    // The same work in the same order, on one worker. Only the look-ups of log-likelihoods are repeated.
    const done = (of: typeof timeline): string[] => of?.units.map(({ what }) => what).filter((what) => !what.endsWith('zero-shot')) ?? [];
    expect(done(timeline)).toEqual(done(wholeTimeline));
    expect(done(timeline)).toContain('rebuild, layer 1');
    expect(timeline?.workers).toEqual(['continuing']);
    expect(timeline?.units.every(({ asked, ended }, index) => ended >= asked && asked >= (timeline.units[index - 1]?.asked ?? 0))).toBe(true);
    const lengths = await executions(workflowId);
    expect(lengths.length).toBeGreaterThan(4);
    expect(Math.max(...lengths)).toBeLessThan(maxEvents);
    // The run ended once, however many executions it had.
    expect(ended.filter((run) => run.workflowId === workflowId).map(({ status, gates }) => [status, gates?.length])).toEqual([['completed', 1]]);

    // Log-likelihoods are looked up again to see which exist. Nothing else is asked for twice.
    expect(calls.map(({ name }) => name).filter((name) => name !== 'findLikelihoods')).toEqual(asked.filter((name) => name !== 'findLikelihoods'));
    // A perplexity is stored together with the seconds of the forwards through its layers.
    expect(calls.filter(({ name }) => name === 'scorePerplexity').map(({ spent }) => spent)).toEqual([2, 2, 2, 2]);
    expect(seen.length).toBeGreaterThan(20);
    for (const [index, { done, stages }] of seen.entries()) {
      expect(done).toBeGreaterThanOrEqual(seen[index - 1]?.done ?? 0);
      expect(stages).toBeGreaterThanOrEqual(seen[index - 1]?.stages ?? 0);
    }
    const [before, after] = [await progressOf(`whole-${expected.configDigest.slice(0, 16)}`), await progressOf(workflowId)];
    expect(after.stages).toEqual(before.stages);
  });

  it('do so between two steps of a layer whose windows are in shards', async () => {
    const inShards = (name: string): string => `version: 1
name: ${name}
model: { source: /m }
stages:
  - calibration: { dataset: { file: /t.txt }, samples: 4, shards: 2 }
  - initialMask: { method: wanda, sparsity: 0.5 }
  - rebuild: { weights: keep-updates }
`;
    // The mask of a layer depends on everything that was known at its end.
    const masks: string[][] = [];
    for (const queue of ['at once', 'continuing']) {
      const proven: string[] = [];
      proves = (made) => proven.push(...made);
      const workflowId = await start(`shards-${queue.replace(' ', '-')}`, {}, queue, inShards);
      await resultOf(workflowId);
      masks.push(proven);
      const lengths = await executions(workflowId);
      // A layer takes 17 activities. Requests for workers, a step of two shards, and the end of a layer fit between two places to continue.
      if (queue === 'continuing') expect(Math.max(...lengths)).toBeLessThan(suggestedEvents + 50);
      else expect(lengths).toHaveLength(1);
    }
    expect(masks[1]).toEqual(masks[0]);
    expect(masks[0]).toHaveLength(4);
  });

  it('do so by themselves if the server suggests nothing', async () => {
    const result = await resultOf(await start('alone', {}, 'unsuggested'));
    const lengths = await executions(`alone-${result.configDigest.slice(0, 16)}`);
    expect(lengths.length).toBeGreaterThan(4);
    expect(Math.max(...lengths)).toBeLessThan(maxEvents);
  });

  it('lose no signal that arrives around the change', async () => {
    const sent: Promise<void>[] = [];
    let workflowId = '';
    meanwhile = async (name, call) => {
      // Not awaited: the signal arrives while the activity ends and the run decides how to continue.
      const send = (): Promise<void> => client.workflow.getHandle(workflowId).signal(incidentSignal, { at: new Date(call).toISOString(), what: `call ${call}` });
      // The result is put together after the last judgement, so all signals must have arrived by then.
      if (name === 'judgeZeroShot') await Promise.all(sent);
      else if (name !== 'writeReport' && workflowId !== '') sent.push(send());
    };
    workflowId = await start('signals');
    const result = await resultOf(workflowId);
    expect((await executions(workflowId)).length).toBeGreaterThan(4);
    expect(sent.length).toBeGreaterThan(20);
    expect(result.incidents).toHaveLength(sent.length);
    expect(new Set(result.incidents?.map(({ what }) => what)).size).toBe(sent.length);
  });

  it('can be paused and resumed across the change, and the store keeps what earlier executions named', async () => {
    let workflowId = '';
    let first = '';
    meanwhile = async (name) => {
      if (name !== 'sampleQuestions') return;
      const run = client.workflow.getHandle(workflowId);
      first = (await run.describe()).runId;
      // Send enough events that the run continues as new before it reaches the pause.
      for (let count = 0; count < suggestedEvents; count++) await run.signal(resumeSignal);
      await run.signal(pauseSignal);
    };
    workflowId = await start('paused');
    while ((await progressOf(workflowId).catch(() => undefined))?.pause !== 'reached') await sleep(20);
    expect((await client.workflow.getHandle(workflowId).describe()).runId).not.toBe(first);
    const words = ['calibration', 'initial 0', 'initial 1', 'rebuilt 0', 'rebuilt 1', '/a.txt', '/b.txt', 'questions'];
    const { keys } = await liveKeys(client);
    expect(words.filter((word) => !keys.has(keyOf(word)))).toEqual([]);
    const { pipelines } = await printed<{ pipelines: { workflowId: string; status: string }[] }>(() => listCommand({}, options));
    expect(pipelines.filter((listed) => listed.workflowId === workflowId)).toMatchObject([{ status: 'paused' }]);

    expect(calls.at(-1)?.name).toBe('sampleQuestions');
    await printed(() => pauseCommand(workflowId, options));
    await printed(() => resumeCommand(workflowId, options));
    await resultOf(workflowId);
    expect(calls.filter(({ name }) => name === 'sampleQuestions')).toHaveLength(1);
  });

  it('are one run for `watch`, `list` and `retry`', async () => {
    let begun = 0;
    meanwhile = () => {
      begun ||= Date.now();
      return Promise.resolve();
    };
    const workflowId = await start('chain');
    // `watch` follows the run from its first execution on.
    const watched = await printed<PipelineResult & { status: string }>(() => watchCommand(workflowId, options));
    expect(watched).toMatchObject({ workflowId, status: 'completed', gates: [{ passed: true }], report: '/report.md' });
    expect((await executions(workflowId)).length).toBeGreaterThan(4);

    const listed = async (): Promise<{ workflowId: string; status: string; gate?: string; started: string }[]> => {
      const { pipelines } = await printed<{ pipelines: { workflowId: string; status: string; gate?: string; started: string }[] }>(() => listCommand({ gate: 'passed' }, options));
      return pipelines.filter((listed) => listed.workflowId === workflowId);
    };
    const [only, ...others] = await listed();
    expect(others).toEqual([]);
    expect(only).toMatchObject({ status: 'completed', gate: 'passed' });
    expect(new Date(only.started).getTime()).toBeLessThanOrEqual(begun + 1000);
    const found = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const execution of client.workflow.list({ query: `PruningGate = 'passed' AND WorkflowId = '${workflowId}'` })) ids.push(execution.workflowId);
      return ids;
    };
    await expect.poll(found, { timeout: 60_000 }).toEqual([workflowId]);

    calls = [];
    await printed(() => retryCommand(workflowId, { from: 'rebuild' }, options));
    const again = await resultOf(workflowId);
    expect(again.perplexity).toEqual(watched.perplexity);
    // The retry does not start from the state that an ended execution handed on.
    expect(calls.filter(({ name }) => name === 'makeInitialMask')).toHaveLength(2);
    expect(calls.filter(({ name, context }) => name === 'rebuildLayer' && context?.notBefore !== undefined)).toHaveLength(2);
  });

  it('remember what to recompute, and start at the first stage when an artifact is lost', async () => {
    const since = '2026-01-01T00:00:00.000Z';
    let lost = false;
    meanwhile = (name) => {
      if (name !== 'scorePerplexity' || lost) return Promise.resolve();
      lost = true;
      throw ApplicationFailure.create({ type: 'ArtifactLostError', message: 'gone' });
    };
    const workflowId = await start('lost', { anew: { from: 2, since } });
    const { incidents, seconds } = await resultOf(workflowId);
    expect(incidents?.map(({ what }) => what)).toEqual(['A lost artifact is recomputed: gone']);
    const notBefore = (...names: string[]): unknown[] => calls.filter(({ name }) => names.includes(name)).map(({ context }) => context?.notBefore);
    expect(notBefore('sampleCalibration', 'scoreLayer', 'makeInitialMask')).toEqual(Array.from({ length: 2 * (1 + 2 + 2) }, () => undefined));
    expect(notBefore('rebuildLayer', 'sampleEvaluation')).toEqual(Array.from({ length: 2 * 2 + 3 }, () => since));
    expect(seconds).toMatchObject({ calibration: 1, initialMask: 4, rebuild: 2 });
    expect((await executions(workflowId)).length).toBeGreaterThan(4);
  });

  it('can be cancelled in any execution', async () => {
    let workflowId = '';
    meanwhile = async (name) => {
      if (name !== 'sampleQuestions') return;
      await client.workflow.getHandle(workflowId).cancel();
      for (;;) {
        Context.current().heartbeat();
        await Promise.race([sleep(50), Context.current().cancelled]);
      }
    };
    workflowId = await start('cancelled');
    await expect(resultOf(workflowId)).rejects.toThrow(WorkflowFailedError);
    expect((await client.workflow.getHandle(workflowId).describe()).status.name).toBe('CANCELLED');
    expect(ended.filter((run) => run.workflowId === workflowId).map(({ status }) => status)).toEqual(['cancelled']);
  });
});
