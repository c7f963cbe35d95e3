/** A worker from the operator's side: metrics, health, and a message at the end of each run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../app/cli/local/ports.js';
import type { EndedRun } from '../../../workflows/run-end.js';
import { demoFolder } from '../../helpers/demo-run.js';
import { servedMetrics } from '../../helpers/served-metrics.js';
import { OtlpReceiver, traceFaults } from '../../helpers/otlp-receiver.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from '../cli/run-command.js';
import { startWorker, type Program } from '../cli/run-program.js';

requireTemporalCli();

const folder = mkdtempSync(path.join(tmpdir(), 'operate-'));
const state = path.join(folder, 'state');
const messages = new EventEmitter();
const hook = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => {
    response.writeHead(200).end();
    messages.emit('message', JSON.parse(body));
  });
});

const receiver = new OtlpReceiver();
const otlpHeaders = 'authorization=Bearer%20a-key-of-the-receiver';

let own: OwnNamespace;
let worker: Program;
let metrics: string;
let health: string;

beforeAll(async () => {
  own = await ownNamespace('operate');
  hook.listen(0, '127.0.0.1');
  await once(hook, 'listening');
  const OTEL_EXPORTER_OTLP_ENDPOINT = await receiver.start();
  metrics = `127.0.0.1:${await freePort()}`;
  health = `127.0.0.1:${await freePort()}`;
  worker = await startWorker(state, { words: ['--metrics', metrics, '--health', health, '--webhook', `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`], env: { ...own.env, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders } });
});
afterAll(async () => {
  worker?.process.kill('SIGTERM');
  await worker?.ended;
  hook.close();
  receiver.stop();
  await own?.client.connection.close();
  rmSync(folder, { recursive: true });
});

/** Starts a pipeline, and waits for the worker's message about its end. */
async function messageOf(name: string, more: string, model = path.join(demoFolder, 'model')): Promise<EndedRun> {
  const file = path.join(folder, `${name}.yaml`);
  writeFileSync(file, `version: 1
name: ${name}
model: { source: ${model} }
stages:
  - initialMask: { method: magnitude, sparsity: 0.5 }
  - evaluation: { states: [initial], perplexity: [{ dataset: { file: ${path.join(demoFolder, 'heldout.txt')} }, maxWindows: 1, sequenceLength: 32 }] }
${more}`);
  const told = once(messages, 'message') as Promise<[EndedRun]>;
  const started = await runCommand(['start', file, '--state', state], { env: own.env });
  expect(started.code, started.stderr).toBe(0);
  return (await told)[0];
}

async function samples(): Promise<Map<string, number>> {
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  return new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}
const sum = (all: Map<string, number>, name: string, ...labels: string[]): number =>
  [...all].filter(([key]) => key.startsWith(`${name}{`) && labels.every((label) => key.includes(label))).reduce((total, [, value]) => total + value, 0);

it('is ready once it accepts work', async () => {
  const ready = await fetch(`http://${health}/readyz`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({ ready: true, state: 'serving', run: null });
  expect((await fetch(`http://${health}/other`)).status).toBe(404);
});

it('serves all counters from the beginning, with the labels that a real Prometheus has seen', async () => {
  // Where a counter appears with its first value, Prometheus sees no increase: an alert would miss the first failure.
  const own = [...(await samples())].filter(([key]) => key.startsWith('llm_barber_') && key.includes('_total{'));
  expect(own.every(([, value]) => value === 0)).toBe(true);
  const labels = (name: string): Record<string, string[]> => {
    const pairs = own.filter(([key]) => key.startsWith(`${name}{`)).flatMap(([key]) => [...key.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value]));
    return Object.fromEntries([...new Set(pairs.map(([label]) => label))].map((label) => [label, [...new Set(pairs.flatMap(([other, value]) => (other === label ? [value] : [])))].sort()]));
  };
  const counters = Object.entries(servedMetrics).filter(([, { type }]) => type === 'counter');
  expect(counters.length).toBeGreaterThan(5);
  for (const [name, expected] of counters) expect(labels(name), name).toMatchObject(expected.labels);
});

it('reports how each run ended, and counts it', async () => {
  const done = await messageOf('good', 'gates: ["sparsity >= 0.4"]\n');
  expect(done).toMatchObject({ status: 'completed', name: 'good', gates: [{ passed: true }] });
  expect(Object.keys(done.perplexity?.initial ?? {})).toEqual(['heldout.txt']);
  const failed = await messageOf('strict', 'gates: ["sparsity >= 0.9"]\n');
  expect(failed).toMatchObject({ status: 'gateFailed', gates: [{ asked: 'sparsity >= 0.9', passed: false }] });
  const broken = await messageOf('broken', '', '/no/such/model');
  expect(broken).toMatchObject({ status: 'failed', error: { type: 'InputFileError', message: expect.stringContaining('/no/such/model') as string } });

  const all = await samples();
  expect(sum(all, 'llm_barber_runs_total', 'status="completed"')).toBe(1);
  expect(sum(all, 'llm_barber_runs_total', 'status="gateFailed"')).toBe(1);
  expect(sum(all, 'llm_barber_runs_total', 'status="failed"')).toBe(1);
  expect(sum(all, 'llm_barber_gates_total', 'outcome="failed"')).toBe(1);
  const { num_hidden_layers: layers } = JSON.parse(readFileSync(path.join(demoFolder, 'model', 'config.json'), 'utf8')) as { num_hidden_layers: number };
  // The second run reuses the work of the first.
  expect(sum(all, 'llm_barber_layers_total', 'task="makeInitialMask"', 'outcome="made"')).toBe(layers);
  expect(sum(all, 'llm_barber_layers_total', 'task="makeInitialMask"', 'outcome="found"')).toBe(layers);
  expect(sum(all, 'llm_barber_units_total', 'task="prepareRun"', 'outcome="failed"')).toBe(1);
  expect(sum(all, 'llm_barber_work_milliseconds_total')).toBeGreaterThan(0);
  expect(sum(all, 'llm_barber_unit_seconds_count')).toBeGreaterThan(2 * layers);
  // A layer may take hours, so the histogram must distinguish minutes from hours.
  expect([...all.keys()].some((key) => key.startsWith('llm_barber_unit_seconds_bucket') && key.includes('le="3600"'))).toBe(true);
  // Metrics of the SDK itself.
  expect([...all.keys()].some((key) => key.startsWith('temporal_'))).toBe(true);
});

it('sends a trace of each run as it ends, also of one that failed', async () => {
  const [, , ended] = await receiver.first(3);
  expect(ended.spans[0]).toMatchObject({ name: 'run broken', status: { code: 2, message: expect.stringContaining('/no/such/model') as string } });
  expect(receiver.headers[0].authorization).toBe('Bearer a-key-of-the-receiver');
  expect(worker.said()).toMatch(/^Traces: http:\/\/127\.0\.0\.1:\d+\/v1\/traces$/m);
  expect(receiver.traces.map((trace) => [trace.spans[0].name, traceFaults(trace)])).toEqual([['run good', []], ['run strict', []], ['run broken', []]]);
});

it('serves the metrics that a real Prometheus has seen, and documents name all of them', async () => {
  const names = new Set([...(await samples()).keys()].map((key) => key.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '')));
  const ours = [...names].filter((name) => name.startsWith('llm_barber_')).sort();
  expect(Object.keys(servedMetrics).sort()).toEqual(ours);
  const told = new Set(readFileSync('docs/operate.md', 'utf8').match(/llm_barber_\w+/g));
  expect([...told].sort()).toEqual(ours);
});

it('refuses unusable addresses', async () => {
  const refused = async (...words: string[]): Promise<string> => {
    const { code, stderr } = await runCommand(['worker', ...words, '--state', path.join(folder, 'other')], { env: own.env });
    expect(code).toBe(2);
    return stderr;
  };
  expect(await refused('--health', 'nowhere')).toMatch(/--health: "nowhere" is not an address; expected host:port/);
  expect(await refused('--metrics', '127.0.0.1:9464', '--otlp', 'http://127.0.0.1:4317')).toMatch(/cannot go to Prometheus and to a collector at once/);
  expect(await refused('--webhook', 'ftp://x')).toMatch(/--webhook: this is not an address/);
});
