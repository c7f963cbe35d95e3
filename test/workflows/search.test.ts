/** The search workflow on a real server, with real pipeline workflows and fake activities. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { searchIdOf, searchRequestFor } from '../../app/cli/search/request.js';
import { startSearch } from '../../app/cli/search/start.js';
import { liveKeys } from '../../app/cli/store/live-keys.js';
import type { RunContext, SharedActivities } from '../../activities/types.js';
import { checkSearchRequest, loadSearch } from '../../app/config/index.js';
import type { InitialMaskStage, Pipeline } from '../../app/config/pipeline.js';
import { withChanges } from '../../workflows/changes.js';
import type { SearchRequest, SearchResult, SearchTable } from '../../workflows/search-protocol.js';
import { sweepTableQuery } from '../../workflows/sweep-protocol.js';
import { createWorkers } from '../helpers/workers.js';
import { noSinks } from '../helpers/no-sinks.js';
import { requireBuild, requireTemporalCli } from '../helpers/set-up.js';
import { ownNamespace } from '../helpers/shared-server.js';
import { keyOf, madeUpActivities, madeUpContext } from './made-up-activities.js';

const bundle = 'dist/workflow-bundle.js';
const taskQueue = 'searches';
requireBuild();
requireTemporalCli();

describe('search workflow', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'search-'));
  let client: Client;
  let connection: NativeConnection;
  let worker: Awaited<ReturnType<typeof createWorkers>>;
  let running: Promise<void>;
  let count = 0;

  /** The sparsities that the activities have seen. `written` has the tables that were written. */
  let begun: number[] = [];
  let written: SearchTable[] = [];
  /** Sparsities whose runs wait until they are released. Those in `failing` fail. */
  let held = new Set<number>();
  let failing = new Set<number>();

  const sparsityOf = ({ stages }: Pipeline): number => stages.find((stage): stage is InitialMaskStage => stage.type === 'initialMask')?.sparsity ?? 0;
  const activities = (): Record<string, unknown> => ({
    ...madeUpActivities(taskQueue, () => Promise.resolve()),
    async prepareRun({ pipeline }: { pipeline: Pipeline }): Promise<RunContext> {
      const sparsity = sparsityOf(pipeline);
      begun.push(sparsity);
      while (held.has(sparsity)) {
        Context.current().heartbeat();
        await Promise.race([Context.current().sleep(20), Context.current().cancelled]);
      }
      if (failing.has(sparsity)) throw ApplicationFailure.nonRetryable('made up', 'MadeUpError');
      return { ...madeUpContext, sparsity };
    },
    // The perplexity is one hundred times the sparsity.
    findPerplexity: ({ context }: { context: RunContext }) => Promise.resolve({ perplexity: 100 * (context.sparsity ?? 0), scored: 1, seconds: 1, reused: false }),
    checkSearch: (sent: unknown) => checkSearchRequest(sent, 'search', withChanges),
    writeSearch: ({ table }: Parameters<SharedActivities['writeSearch']>[0]) => {
      written.push(table);
      return Promise.resolve('/search.md');
    },
  });

  async function serve(): Promise<void> {
    worker = await createWorkers({
      connection, namespace: client.options.namespace, taskQueue, activities: activities(), sinks: noSinks, shutdownForceTime: '2 seconds',
      workflowBundle: { code: readFileSync(bundle, 'utf8') },
      // Every step replays all steps before it, as after a crash.
      maxCachedWorkflows: 0,
    });
    running = worker.run();
  }

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
    const own = await ownNamespace('search');
    client = own.client;
    connection = await NativeConnection.connect({ address: own.address });
    await serve();
  });
  afterAll(async () => {
    held.clear();
    worker.shutdown();
    await running;
    await connection.close();
    await client.connection.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    [begun, written, held, failing] = [[], [], new Set(), new Set()];
  });

  const stages = '  - calibration: { dataset: { file: /t.txt } }\n  - initialMask: { method: wanda, sparsity: 0.5 }\n  - rebuild: { strategy: published }\n  - evaluation: { states: [rebuilt], perplexity: [{ dataset: { file: /t.txt } }] }\n';
  function request(limit: number, over = 'sparsity: { from: 0.1, to: 0.9, step: 0.1 }'): SearchRequest {
    writeFileSync(path.join(folder, 'p.yaml'), `version: 1\nname: p\nmodel: { source: /m }\nstages:\n${stages}gates: [{ name: fit, check: rebuilt perplexity <= ${limit} }]\n`);
    const file = path.join(folder, 's.yaml');
    writeFileSync(file, `version: 1\nname: s\npipeline: ./p.yaml\nset: { rebuild.granularity: output }\nover: { ${over} }\n`);
    return searchRequestFor(loadSearch(file));
  }
  async function start(of: SearchRequest, workflowId = `${searchIdOf(of)}-${count++}`): Promise<WorkflowHandle<() => Promise<SearchResult>>> {
    await startSearch(client, workflowId, of, taskQueue);
    return client.workflow.getHandle<() => Promise<SearchResult>>(workflowId);
  }
  const until = (isSo: () => boolean): Promise<void> => expect.poll(isSo, { timeout: 60_000, interval: 20 }).toBe(true);
  /** Returns the innermost failure. */
  async function failureOf(handle: WorkflowHandle): Promise<Error> {
    let error: unknown = await handle.result().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    while (error instanceof Error && error.cause !== undefined) error = error.cause;
    return error as Error;
  }

  it('tries the ends and then the middle of the rest, each point as its own run, one after the other', async () => {
    const handle = await start(request(55));
    const { best, tried, runs, points, report } = await handle.result();
    expect(begun).toEqual([0.1, 0.9, 0.5, 0.7, 0.6]);
    expect(tried.map(({ sparsity, passed }) => [sparsity, passed])).toEqual([[0.1, true], [0.9, false], [0.5, true], [0.7, false], [0.6, false]]);
    expect([runs, points, report]).toEqual([5, 9, '/search.md']);
    const workflowId = `${handle.workflowId}.sparsity=0.5`;
    expect(best).toEqual({ sparsity: 0.5, workflowId, checkpoint: '/c', mask: '/k', report: '/report.md' });
    expect(tried[2]).toMatchObject({ name: 'sparsity=0.5', workflowId, perplexity: { rebuilt: { 't.txt': 50 } }, gates: [{ gate: 'fit', found: 50, limit: 55, passed: true }] });
    expect((await client.workflow.getHandle(workflowId).describe()).memo).toMatchObject({ sparsity: 0.5, gate: 'passed' });
    expect(written).toMatchObject([{ points: 9, mostRuns: 5, best: { name: 'sparsity=0.5' }, rows: tried.map(({ name }) => ({ name })) }]);
    expect((await handle.describe()).memo).toEqual({ search: 's', points: 9 });
  });

  it.each([[5, null, [0.1]], [95, 0.9, [0.1, 0.9]]])('a limit of %d: finds %s at an end', async (limit, sparsity, tries) => {
    const { best, tried } = await (await start(request(limit))).result();
    expect(best?.sparsity ?? null).toBe(sparsity);
    expect(begun).toEqual(tries);
    expect(tried).toHaveLength(tries.length);
  });

  it('finds the last pattern that passes, in the order of sparsity', async () => {
    const { best, tried } = await (await start(request(55, 'patterns: ["1:4", "2:4", "4:8"]'))).result();
    expect(tried.map(({ pattern }) => pattern)).toEqual(['4:8', '1:4', '2:4']);
    expect(best).toMatchObject({ pattern: '2:4', sparsity: 0.5 });
  });

  it('ends with the error of a run that fails for another reason, and writes what was tried', async () => {
    failing.add(0.5);
    const failure = await failureOf(await start(request(55)));
    expect(failure).toMatchObject({ type: 'MadeUpError', message: 'sparsity=0.5: made up', nonRetryable: true });
    expect(written).toMatchObject([{ best: { name: 'sparsity=0.1' }, rows: [{ status: 'done' }, { status: 'gateFailed' }, { status: 'failed', error: { type: 'MadeUpError', message: 'made up' } }] }]);
  });

  it('takes its run along when cancelled, and gives the answer when started again', async () => {
    held.add(0.5);
    const of = request(55);
    const handle = await start(of);
    await until(() => begun.includes(0.5));
    expect(await handle.query<SearchTable>(sweepTableQuery)).toMatchObject({ mostRuns: 5, rows: [{ status: 'done' }, { status: 'gateFailed' }, { status: 'running' }] });
    // The artifacts that it has made so far must not be removed from the store.
    await expect.poll(async () => (await liveKeys(client)).keys.has(keyOf('rebuilt 1')), { timeout: 30_000 }).toBe(true);
    await handle.cancel();
    await failureOf(handle);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect((await client.workflow.getHandle(`${handle.workflowId}.sparsity=0.5`).describe()).status.name).toBe('CANCELLED');
    expect(written).toMatchObject([{ rows: [{ status: 'done' }, { status: 'gateFailed' }, { status: 'cancelled' }] }]);
    held.clear();
    expect((await (await start(of, handle.workflowId)).result()).best?.sparsity).toBe(0.5);
  });

  it('ends with a message if its run is cancelled', async () => {
    held.add(0.9);
    const handle = await start(request(55));
    await until(() => begun.includes(0.9));
    await client.workflow.getHandle(`${handle.workflowId}.sparsity=0.9`).cancel();
    expect(await failureOf(handle)).toMatchObject({ type: 'PointCancelledError', message: 'sparsity=0.9: its run was cancelled' });
    expect((await handle.describe()).status.name).toBe('FAILED');
  });

  it('continues with another worker where the first one stopped, and tries nothing twice', async () => {
    held.add(0.5);
    const handle = await start(request(55));
    await until(() => begun.includes(0.5));
    worker.shutdown();
    await running;
    held.clear();
    begun = begun.filter((sparsity) => sparsity !== 0.5);
    await serve();
    expect((await handle.result()).best?.sparsity).toBe(0.5);
    expect(begun).toEqual([0.1, 0.9, 0.5, 0.7, 0.6]);
  });
});
