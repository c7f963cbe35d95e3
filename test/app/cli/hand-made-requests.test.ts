/** Requests that our client would never send, from a plain Temporal client to a real worker: refused at once, with nothing written. */
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure, Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { RawValue } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkerProcess } from '../../../tools/bench/faults/worker-process.js';
import { ensureLocalServer, leaveLocalServer } from '../../../app/cli/local/local-server.js';
import { serverAddress } from '../../../app/cli/local/server-record.js';
import { searchRequestFor } from '../../../app/cli/search/request.js';
import { sweepRequestFor } from '../../../app/cli/sweep/request.js';
import { digestOf } from '../../../files/artifacts/index.js';
import { loadSearch, parseSweep } from '../../../app/config/index.js';
import type { Pipeline } from '../../../app/config/pipeline.js';
import { copyOfDemo, demoPipeline } from '../../helpers/demo-run.js';
import { requireBuild } from '../../helpers/set-up.js';

requireBuild();
const taskQueue = 'by-hand';

describe('requests made by hand', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'by-hand-')));
  const [inside, outside, state, serverState] = ['inside', 'outside', 'state', 'server'].map((name) => join(root, name)) as [string, string, string, string];
  let client: Client;
  let worker: WorkerProcess;
  let before: string[];

  /** All files below the root, except those that the server and the logs write anyway. */
  const files = (): string[] => readdirSync(root, { recursive: true }).map(String).filter((name) => !/^server\b|\.log$|^state\/(logs|workers)\b|^state\/artifacts\/(clock|store-id|claims|drafts)/.test(name)).sort();

  beforeAll(async () => {
    await copyOfDemo(inside);
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.txt'), 'a secret text '.repeat(1000));
    const address = serverAddress(await ensureLocalServer(serverState));
    client = new Client({ connection: await Connection.connect({ address }) });
    worker = new WorkerProcess({ address, state, taskQueue, flags: ['--allow-path', inside] });
    await worker.ready();
    // An empty request makes the worker write the files of its first start.
    await failureOf('pipeline', {}, 'first');
    before = files();
  });
  afterAll(async () => {
    worker?.signal('SIGKILL');
    await worker?.ended;
    await client?.connection.close();
    await leaveLocalServer(serverState);
    rmSync(root, { recursive: true, force: true });
  });

  let count = 0;
  /** Returns why the workflow failed. It must fail by itself, at the first attempt. */
  async function failureOf(type: 'pipeline' | 'sweep' | 'search', request: unknown, workflowId = `request-${count++}`, ...more: unknown[]): Promise<{ type: string; message: string }> {
    const handle = await client.workflow.start(type, { args: [request, ...more], taskQueue, workflowId });
    try {
      await handle.result();
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      let cause: unknown = error;
      while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
      expect(cause).toBeInstanceOf(ApplicationFailure);
      const { type: name, message, nonRetryable } = cause as ApplicationFailure;
      expect(nonRetryable).toBe(true);
      return { type: name ?? '', message };
    }
    throw new Error(`${workflowId} was not refused`);
  }

  type Change = (pipeline: Record<string, unknown> & { stages: Record<string, unknown>[] }) => unknown;
  const pipeline = (change?: Change): Pipeline => {
    const sent = JSON.parse(JSON.stringify(demoPipeline([], inside))) as Parameters<Change>[0];
    change?.(sent);
    return sent as unknown as Pipeline;
  };
  const request = (change?: Change, more: object = {}): object => {
    const sent = pipeline(change);
    return { pipeline: sent, configDigest: digestOf(sent), ...more };
  };
  const stage = (sent: Parameters<Change>[0], type: string): Record<string, unknown> => sent.stages.find((one) => one['type'] === type) ?? {};
  /** JSON that is nested too deeply for this client to serialize. */
  const deep = (head: string, tail: string): RawValue =>
    RawValue.fromPayload({ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(`${head}${'['.repeat(100_000)}${']'.repeat(100_000)}${tail}`) });
  const setFile = (path: string): Change => (sent) => (stage(sent, 'calibration')['dataset'] = { file: path });

  it.each<[string, unknown, string, RegExp]>([
    ['an unknown state', request((sent) => (stage(sent, 'evaluation')['states'] = ['weird'])), 'RequestError', /^pipeline\.stages\[3\]\.evaluation\.states\[0\]: item 1 of `states` is "weird"; expected `dense`, `initial` or `rebuilt`/],
    ['a state that is a path', request((sent) => (stage(sent, 'evaluation')['states'] = ['../../../x'])), 'RequestError', /is "\.\.\/\.\.\/\.\.\/x"/],
    ['an unknown stage', request((sent) => sent.stages.push({ type: 'shell', run: 'id' })), 'RequestError', /unknown key `shell`/],
    ['a task that is a path', request((sent) => (stage(sent, 'evaluation')['zeroShot'] = [{ task: '../../package', bos: false }])), 'RequestError', /`task` is "\.\.\/\.\.\/package"/],
    ['a name that is a path', request((sent) => (sent['name'] = '../../x')), 'RequestError', /`name` is "\.\.\/\.\.\/x"/],
    ['a mask source of a method that reads none', request((sent) => (stage(sent, 'initialMask')['source'] = '/etc/passwd')), 'RequestError', /`source` without `method: file`/],
    ['a text outside', request(setFile(join(root, 'outside', 'secret.txt'))), 'PathNotAllowedError', /^dataset\.file: .*secret\.txt is not in a folder/],
    ['a text behind `..`', request(setFile(`${inside}/../outside/secret.txt`)), 'RequestError', /^pipeline\.stages\[0\]\.dataset\.file: /],
    ['a model outside', request((sent) => (sent['model'] = { source: outside })), 'PathNotAllowedError', /^model\.source: /],
    ['a mask outside', request((sent) => Object.assign(stage(sent, 'initialMask'), { method: 'file', source: outside })), 'PathNotAllowedError', /^initialMask\.source: /],
    ['questions outside', request((sent) => (stage(sent, 'evaluation')['zeroShot'] = [{ bos: false, name: 'mine', file: join(outside, 'secret.txt') }])), 'PathNotAllowedError', /^zeroShot\.file: /],
    ['wrong types', request((sent) => Object.assign(stage(sent, 'calibration'), { samples: '8', seed: {} })), 'RequestError', /2 problems\n.*`samples` is "8"; expected a whole number.*\n.*`seed` is a mapping/],
    ['a very long list', request((sent) => (stage(sent, 'evaluation')['states'] = new Array<string>(100_000).fill('dense'))), 'RequestError', /^pipeline: more than 10000 values/],
    ['deep nesting', deep('{"pipeline":{"stages":', '}}'), 'RequestError', /nested|cannot be sent/],
    ['a folder that is not a path', request(undefined, { folder: '../x' }), 'RequestError', /^folder: /],
    ['an invalid lock', request(undefined, { lock: { version: 1 } }), 'RequestError', /lock/],
    ['a first stage that does not exist', request(undefined, { anew: { from: 99, since: 'now' } }), 'RequestError', /anew\.from/],
    ['an invalid digest', request(undefined, { configDigest: 'x' }), 'RequestError', /^configDigest: /],
    ['null', null, 'RequestError', /pipeline/],
    ['text', 'x', 'RequestError', /pipeline/],
    ['stages of null', { pipeline: { stages: [null] } }, 'RequestError', /pipeline/],
  ])('are refused: %s', async (_, sent, type, message) => {
    const failure = await failureOf('pipeline', sent);
    expect(failure.message).toMatch(message);
    expect(failure.type).toBe(type);
    expect(failure.message.length).toBeLessThan(20_000);
    expect(files()).toEqual(before);
  });

  it('are refused with a state that no earlier execution handed over', async () => {
    const carried = { context: { model: { source: outside } }, state: {}, progress: { stages: [] }, seating: {}, restarts: 0 };
    const failure = await failureOf('pipeline', request(), undefined, carried);
    expect(failure).toMatchObject({ type: 'RequestError', message: expect.stringMatching(/^request: it has a second argument/) as unknown });
    expect(files()).toEqual(before);
  });

  it('are refused in the same way from a cron schedule, whose second execution has an earlier one', async () => {
    const carried = { context: { model: { source: outside } }, state: {}, progress: { stages: [] }, seating: {}, restarts: 0 };
    const workflowId = `request-${count++}`;
    await client.workflow.start('pipeline', { args: [request(), carried], taskQueue, workflowId, cronSchedule: '@every 1s' });
    const ended = async (): Promise<string[]> => {
      const runs: string[] = [];
      for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) if (run.status.name === 'FAILED') runs.push(run.runId);
      return runs;
    };
    await expect.poll(async () => (await ended()).length, { timeout: 60_000 }).toBeGreaterThan(1);
    await client.workflow.getHandle(workflowId).terminate();
    for (const runId of await ended()) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      expect(events?.at(-1)?.workflowExecutionFailedEventAttributes?.failure?.message).toMatch(/^request: it has a second argument/);
    }
    expect(files()).toEqual(before);
  });

  it.each(['../../x', 'a/b', '..', '.hidden', 'NUL', 'x'.repeat(300)])('are refused for a workflow id that is not a name: %s', async (workflowId) => {
    for (const [type, sent] of [['pipeline', request()], ['sweep', sweep()], ['search', search()]] as const) {
      const failure = await failureOf(type, sent, workflowId);
      expect(failure).toMatchObject({ type: 'UnsafeNameError', message: expect.stringMatching(/^workflow id ".*: it cannot name a file or folder/) as unknown });
      expect(files()).toEqual(before);
    }
  });

  const sweepFolder = mkdtempSync(join(tmpdir(), 'by-hand-sweep-'));
  afterAll(() => { rmSync(sweepFolder, { recursive: true }); });
  const sweep = (change: (sent: Record<string, unknown>) => unknown = () => undefined): unknown => {
    writeFileSync(join(sweepFolder, 'p.yaml'), 'version: 1\nname: p\nmodel: { source: /m }\nstages:\n  - initialMask: { method: magnitude, sparsity: 0.5 }\n');
    const parsed = parseSweep({ text: 'version: 1\nname: s\npipeline: ./p.yaml\nmatrix: { initialMask.sparsity: [0.5, 0.6] }\n', path: join(sweepFolder, 's.yaml') });
    const sent = JSON.parse(JSON.stringify(sweepRequestFor(parsed))) as Record<string, unknown>;
    change(sent);
    return sent;
  };
  it.each<[string, unknown, RegExp]>([
    ['an unknown state', sweep((sent) => (sent['base'] as { stages: unknown[] }).stages.push({ type: 'evaluation', states: ['weird'], perplexity: [] })), /^request\.base\.stages\[1\]\.evaluation\.states\[0\]: .*"weird"|problems/],
    ['a member that is a path', sweep((sent) => ((sent['members'] as { name: string }[])[0].name = '../../x')), /^request\.members\[0\]\.name: it is "\.\.\/\.\.\/x"/],
    ['zero members at once', sweep((sent) => (sent['maxParallel'] = 0)), /^request\.maxParallel: /],
    ['deep nesting', deep('{"members":', '}'), /nested|cannot be sent/],
    ['null', null, /^request/],
    ['no members', {}, /members/],
  ])('are refused: a sweep with %s', async (_, sent, message) => {
    const failure = await failureOf('sweep', sent);
    expect(failure.message).toMatch(message);
    expect(failure.type).toBe('RequestError');
    expect(files()).toEqual(before);
  });

  const search = (change: (sent: { members: { name: string }[]; over: object; base: { gates?: unknown } }) => unknown = () => undefined): unknown => {
    writeFileSync(join(sweepFolder, 'gated.yaml'), 'version: 1\nname: p\nmodel: { source: /m }\nstages:\n  - initialMask: { method: magnitude, sparsity: 0.5 }\ngates: [sparsity >= 0.1]\n');
    writeFileSync(join(sweepFolder, 'search.yaml'), 'version: 1\nname: s\npipeline: ./gated.yaml\nover: { sparsity: { from: 0.3, to: 0.5, step: 0.1 } }\n');
    const sent = JSON.parse(JSON.stringify(searchRequestFor(loadSearch(join(sweepFolder, 'search.yaml'))))) as Parameters<typeof change>[0];
    change(sent);
    return sent;
  };
  it.each<[string, unknown, RegExp]>([
    ['a point that is a path', search((sent) => (sent.members[0].name = '../../x')), /^request\.members\[0\]\.name: it is "\.\.\/\.\.\/x"/],
    ['points in another order', search((sent) => sent.members.reverse()), /^request\.members\[0\]\.values: /],
    ['an endless grid', search((sent) => (sent.over = { sparsity: { from: 0.1, to: 0.9, step: 1e-12 } })), /^request\.over\.sparsity\.to: there are/],
    ['values that are not gates', search((sent) => (sent.base.gates = ['x'])), /^request\.base\.gates/],
    ['deep nesting', deep('{"members":', '}'), /nested|cannot be sent/],
    ['null', null, /^request/],
    ['no content', {}, /members/],
  ])('are refused: a search with %s', async (_, sent, message) => {
    const failure = await failureOf('search', sent);
    expect(failure.message).toMatch(message);
    expect(failure.type).toBe('RequestError');
    expect(files()).toEqual(before);
  });
});
