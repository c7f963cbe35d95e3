/**
 * Records the histories that test/workflows/replay.test.ts replays: real runs of the demo model on a separate server and workers.
 * Run it after a build: `node dist/tools/record-histories.js [NAME...]`. Without names it records all histories. `zcat` shows one.
 *
 * Record a history again only when runs of the version that recorded it no longer need to replay.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { packageRoot } from '#setup/paths.mjs';
import { WorkerProcess } from './bench/faults/worker-process.js';
import { queryProgress } from '../app/cli/progress/follow.js';
import { startPipeline, type Run } from '../app/cli/start-pipeline.js';
import { searchRequestFor } from '../app/cli/search/request.js';
import { startSearch } from '../app/cli/search/start.js';
import { sweepRequestFor } from '../app/cli/sweep/request.js';
import { startSweep } from '../app/cli/sweep/start.js';
import { loadSearch, parsePipeline, parseSweep } from '../app/config/index.js';
import { pauseSignal, resumeSignal, type PipelineProgress } from '../workflows/protocol.js';
import { startOwnServer } from './histories/own-server.js';
import { smallHistory } from './histories/small-history.js';

const target = join(packageRoot, 'test', 'workflows', 'histories');
const shownFolder = '/srv/demo';
const taskQueue = 'histories';
/** More events than any of these runs has, and so few that a run of the demo continues as new several times. */
const [manyEvents, fewEvents] = [10_000, 60];

const calibration = '  - calibration: { dataset: { file: ./calibration.txt }, samples: 4, sequenceLength: 32 }\n';
const mask = '  - initialMask: { method: wanda, sparsity: 0.5 }\n';
const rebuild = '  - rebuild: { strategy: published, ratio: 0.1 }\n';
const perplexity = '  - evaluation: { perplexity: [{ dataset: { file: ./heldout.txt }, maxWindows: 2 }] }\n';
const zeroShot = '  - evaluation: { zeroShot: [{ name: lines, file: ./lines.jsonl }] }\n';
const gates = 'gates: [rebuilt perplexity <= 1000]\n';

/** The environment of a scenario. */
interface Scene {
  client: Client;
  folder: string;
  workers: WorkerProcess[];
}
/** Plays the events of a history. @returns the executions to record, by file name */
type Scenario = (scene: Scene) => Promise<Record<string, Run>>;

async function start({ client, folder }: Scene, name: string, stages: string): Promise<Run> {
  const text = `version: 1\nname: ${name}\nmodel: { source: ./model }\nstages:\n${stages}`;
  return startPipeline(client, parsePipeline({ text, path: join(folder, `${name}.yaml`), overrides: [] }), taskQueue);
}

async function finished({ client }: Scene, run: Run): Promise<void> {
  await client.workflow.getHandle(run.workflowId).result();
}

/** Waits until the progress of a run meets a condition. */
async function reached({ client }: Scene, run: Run, isSo: (progress: PipelineProgress) => boolean): Promise<void> {
  for (;;) {
    const progress = await queryProgress(client, run).catch(() => undefined);
    if (progress !== undefined && isSo(progress)) return;
    await sleep(20);
  }
}

/** Returns all executions of a workflow that continued as new, starting with the first. */
async function chain({ client }: Scene, { workflowId }: Run): Promise<Run[]> {
  const runs: Run[] = [];
  let { runId } = await client.workflow.getHandle(workflowId).describe();
  for (let next: string | undefined = runId; next; next = runId) {
    runs.unshift({ workflowId, runId: next });
    const history = await client.workflow.getHandle(workflowId, next).fetchHistory();
    runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
  }
  return runs;
}

const numbered = (name: string, runs: readonly Run[]): Record<string, Run> => Object.fromEntries(runs.map((run, index) => [`${name}-${index + 1}`, run]));

const scenarios: Record<string, { events?: number; play: Scenario }> = {
  allocation: {
    play: async (scene) => {
      const stages = `${calibration}  - initialMask: { method: sparsegpt, sparsity: 0.5, allocation: { method: sensitivity } }\n`;
      const run = await start(scene, 'allocation', stages);
      await finished(scene, run);
      return { allocation: run };
    },
  },
  'zero-shot': {
    play: async (scene) => {
      const run = await start(scene, 'zero-shot', `  - initialMask: { method: magnitude, sparsity: 0.6 }\n${zeroShot}`);
      await finished(scene, run);
      return { 'zero-shot': run };
    },
  },
  pause: {
    play: async (scene) => {
      const run = await start(scene, 'pause', `${calibration}${mask}${rebuild.repeat(3)}`);
      await reached(scene, run, ({ stages }) => stages[2].done > 0);
      await scene.client.workflow.getHandle(run.workflowId).signal(pauseSignal);
      await reached(scene, run, ({ pause }) => pause === 'reached');
      await scene.client.workflow.getHandle(run.workflowId).signal(resumeSignal);
      await finished(scene, run);
      return { pause: run };
    },
  },
  'lost-worker': {
    play: async (scene) => {
      const run = await start(scene, 'lost-worker', `${calibration}${mask}${rebuild.repeat(3)}`);
      await reached(scene, run, ({ stages }) => stages[2].done > 0);
      const { raw } = await scene.client.workflow.getHandle(run.workflowId).describe();
      const owner = scene.workers.find(({ pid }) => (raw.pendingActivities ?? []).some(({ lastWorkerIdentity }) => lastWorkerIdentity?.startsWith(`${pid}@`)));
      (owner ?? scene.workers[0]).signal('SIGKILL');
      await finished(scene, run);
      return { 'lost-worker': run };
    },
  },
  shards: {
    play: async (scene) => {
      const divided = calibration.replace('samples: 4', 'samples: 8, shards: 3');
      const run = await start(scene, 'shards', `${divided}${mask}${rebuild.repeat(2)}`);
      await reached(scene, run, ({ stages }) => stages[2].done > 0);
      scene.workers[1].signal('SIGKILL');
      await finished(scene, run);
      return { shards: run };
    },
  },
  sweep: {
    play: async (scene) => {
      const { client, folder } = scene;
      writeFileSync(join(folder, 'base.yaml'), `version: 1\nname: base\nmodel: { source: ./model }\nstages:\n${calibration}${mask}${rebuild}${perplexity}`);
      const text = 'version: 1\nname: ratios\npipeline: ./base.yaml\nmatrix: { rebuild.ratio: [0.1, 0.2] }\nmaxParallel: 1\nbest: { metric: perplexity.rebuilt, goal: min }\n';
      const request = { ...sweepRequestFor(parseSweep({ text, path: join(folder, 'ratios.yaml') })), membersPerRun: 1 };
      await startSweep(client, 'ratios', request, taskQueue);
      await client.workflow.getHandle('ratios').result();
      return numbered('sweep', await chain(scene, { workflowId: 'ratios', runId: '' }));
    },
  },
  search: {
    play: async ({ client, folder }) => {
      writeFileSync(join(folder, 'base.yaml'), `version: 1\nname: base\nmodel: { source: ./model }\nstages:\n${calibration}${mask}${rebuild}${perplexity}gates: [rebuilt perplexity <= 1.5 * dense]\n`);
      writeFileSync(join(folder, 'search.yaml'), 'version: 1\nname: sparsest\npipeline: ./base.yaml\nover: { sparsity: { from: 0.1, to: 0.9, step: 0.2 } }\n');
      const { runId } = await startSearch(client, 'sparsest', searchRequestFor(loadSearch(join(folder, 'search.yaml'))), taskQueue);
      await client.workflow.getHandle('sparsest').result();
      return { search: { workflowId: 'sparsest', runId } };
    },
  },
  continued: {
    events: fewEvents,
    play: async (scene) => {
      const run = await start(scene, 'continued', `${calibration}${mask}${rebuild}${perplexity}${zeroShot}${gates}`);
      await finished(scene, run);
      return numbered('continued', await chain(scene, run));
    },
  },
};

function makeInputs(folder: string): void {
  cpSync(join(packageRoot, 'pipelines', 'demo'), folder, { recursive: true });
  const lines = readFileSync(join(folder, 'heldout.txt'), 'utf8').split('\n').filter((line) => line.length > 40).slice(0, 6);
  const documents = lines.map((line, index) => ({ query: line.slice(0, 24).trimEnd(), choices: [lines[(index + 1) % lines.length], line].map((other) => other.slice(24, 44).trim()), gold: 1 }));
  writeFileSync(join(folder, 'lines.jsonl'), documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
}

async function record({ events = manyEvents, play }: (typeof scenarios)[string]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'histories-'));
  makeInputs(folder);
  const server = await startOwnServer(events);
  const workers = [1, 2].map(() => new WorkerProcess({ address: server.address, state: join(folder, 'state'), taskQueue, flags: ['--shutdown-grace', '1'] }));
  try {
    await Promise.all(workers.map((worker) => worker.ready()));
    const runs = await play({ client: server.client, folder, workers });
    for (const [name, { workflowId, runId }] of Object.entries(runs)) {
      const history = await server.client.workflow.getHandle(workflowId, runId).fetchHistory();
      const text = JSON.stringify(smallHistory(JSON.parse(historyToJSON(history)), folder, shownFolder));
      writeFileSync(join(target, `${name}.json.gz`), gzipSync(text));
      process.stdout.write(`${name}: ${history.events?.length ?? 0} events, ${text.length} bytes before compression\n`);
    }
  } finally {
    for (const worker of workers) await worker.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const asked = process.argv.slice(2);
for (const name of asked.length === 0 ? Object.keys(scenarios) : asked) {
  if (scenarios[name] === undefined) throw new Error(`There is no history ${name}; expected one of ${Object.keys(scenarios).join(', ')}.`);
  await record(scenarios[name]);
}
process.exit(0);
