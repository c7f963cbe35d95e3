/**
 * Runs many tiny pipelines at once on one local server and a few workers with one store. Do all complete? Does the workers' memory
 * stay flat? How large do histories get? `node dist/tools/bench/many-runs.js [--runs 200] [--workers 2]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { packageRoot } from '#setup/paths.mjs';
import { retryWhileUnavailable } from '../../app/cli/client.js';
import { startPipeline } from '../../app/cli/start-pipeline.js';
import { parsePipeline } from '../../app/config/index.js';
import { Server } from './faults/test-cluster.js';
import { WorkerProcess } from './faults/worker-process.js';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '200' }, workers: { type: 'string', default: '2' } } });
const runs = Number(values.runs);
const demo = join(packageRoot, 'pipelines', 'demo');
/** Temporal's limits for a history. */
const limits = { events: 51_200, bytes: 50 * 2 ** 20 };

/** Each pipeline has its own sparsity, so that none reuses the masks of another. */
function pipelineText(index: number): string {
  return `
version: 1
name: many-${index}
model: { source: ./model }
stages:
  - calibration: { dataset: { file: ./calibration.txt }, samples: 8, sequenceLength: 32 }
  - initialMask: { method: wanda, sparsity: ${(0.3 + (0.4 * index) / runs).toFixed(4)} }
  - rebuild: { granularity: block, strategy: published, ratio: 0.1 }
  - evaluation: { perplexity: [{ dataset: { file: ./heldout.txt }, maxWindows: 4 }] }
`;
}

const never = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'many-runs-'));
const server = await Server.start(join(folder, 'server'));
const { client } = server;
const workers = Array.from({ length: Number(values.workers) }, () => new WorkerProcess({ address: server.where(), state: join(folder, 'state'), taskQueue: 'many' }));
try {
  await Promise.all(workers.map((worker) => worker.ready()));
  const begun = performance.now();
  const seconds = (): string => ((performance.now() - begun) / 1000).toFixed(0);
  const memory: [string, number[]][] = [];
  const measure = (when: string): number => memory.push([when, workers.map((worker) => worker.memory())]);
  let done = 0;
  let largest = { events: 0, bytes: 0 };
  const failed: string[] = [];
  const started = await Promise.all(
    Array.from({ length: runs }, async (_, index) => startPipeline(client, parsePipeline({ text: pipelineText(index), path: join(demo, 'many.yaml'), overrides: [] }), 'many')),
  );
  process.stderr.write(`${started.length} runs started after ${seconds()} s\n`);
  const all = started.map(async ({ workflowId }) => {
    const handle = client.workflow.getHandle(workflowId);
    await retryWhileUnavailable(() => handle.result(), never).catch((error: unknown) => failed.push(`${workflowId}: ${String(error)}`));
    const { historyLength, historySize = 0 } = await retryWhileUnavailable(() => handle.describe(), never);
    largest = { events: Math.max(largest.events, historyLength), bytes: Math.max(largest.bytes, historySize) };
    done++;
    if (done % Math.max(1, Math.floor(runs / 8)) === 0) measure(`${done} done, ${seconds()} s`);
  });
  while (done === 0) await sleep(50);
  measure(`the first done, ${seconds()} s`);
  await Promise.all(all);
  const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  process.stdout.write(`${runs - failed.length} of ${runs} runs completed in ${seconds()} s on ${workers.length} workers\n\n`);
  process.stdout.write(`| | ${workers.map((_, index) => `worker ${index + 1}, MiB resident`).join(' | ')} |\n| --- | ${workers.map(() => '---').join(' | ')} |\n`);
  for (const line of failed) process.stderr.write(`${line}\n`);
  for (const [when, bytes] of memory) process.stdout.write(`| ${when} | ${bytes.map(mb).join(' | ')} |\n`);
  process.stdout.write(`\nLargest history: ${largest.events} events, ${largest.bytes} bytes (Temporal allows ${limits.events} and ${limits.bytes}).\n`);
} finally {
  for (const worker of workers) await worker.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
