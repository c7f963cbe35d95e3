/** The numbers of a finished run for other tools, and the sizes that its zeros save. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtimeFacts } from '../../../app/cli/outputs/runtimes.js';
import { writeSafetensors } from '../../../files/checkpoints/index.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { MlflowServer } from '../../helpers/mlflow-server.js';
import { attributeOf, OtlpReceiver, traceFaults } from '../../helpers/otlp-receiver.js';
import { exampleResult } from '../report/example-result.js';
import { runCommand } from './run-command.js';

const state = mkdtempSync(join(tmpdir(), 'export-'));
const folder = join(state, 'runs', 'example-0123456789abcdef');
const score = { acc: 0.5, acc_stderr: 0.01, acc_norm: null, acc_norm_stderr: null, documents: 200, chance: 0.25, bos: false, digest: 'd' };
const result: PipelineResult = { ...exampleResult, report: '/elsewhere/runs/example-0123456789abcdef/report.md', zeroShot: { rebuilt: { arc_easy: { ...score, acc_norm: 0.55, acc_norm_stderr: 0.02 }, boolq: { ...score, acc_stderr: null } } } };

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'result.json'), JSON.stringify(result));
  writeFileSync(join(folder, 'report.md'), '# example\n');
  writeFileSync(join(folder, 'pipeline.lock.yaml'), 'pipeline: { name: example, stages: [{ rebuild: { ratio: 0.25 } }] }\n');
});
afterAll(() => rmSync(state, { recursive: true }));

const call = (words: string[], env: NodeJS.ProcessEnv = {}) => runCommand([...words, '--state', state], { env });

describe('to MLflow', () => {
  const server = new MlflowServer();
  let url: string;
  beforeAll(async () => void (url = await server.start()));
  afterAll(() => server.stop());

  it('sends metrics, parameters and files once, and finds the run the second time', async () => {
    const { code, stdout, stderr } = await call(['export', 'example', '--mlflow', url, '--json']);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ mlflow: { isNew: true, url: `${url}/#/experiments/1/runs/run0` } });
    const [{ info, params, metrics, tags }] = server.runs;
    expect(info).toMatchObject({ status: 'FINISHED', run_name: 'example' });
    expect(tags['llm_barber.workflow_id']).toBe('example-0123456789abcdef');
    const value = (key: string, step = 0): number | undefined => metrics.find((one) => one.key === key && one.step === step)?.value;
    expect([value('perplexity/rebuilt/ptb'), value('perplexity/dense/held_out.txt'), value('zero_shot/rebuilt/arc_easy/acc_norm')]).toEqual([9.5, 2.82, 0.55]);
    expect(value('rebuild/attention/error_after', 0)).toBe(0.015);
    expect(value('zero_shot/rebuilt/boolq/acc_stderr')).toBeUndefined();
    expect(params).toMatchObject({ 'stages.0.rebuild.ratio': '0.25', family: 'llama', pattern: '2:4' });
    expect(server.files.get('1/run0/artifacts/report.md')).toBe('# example\n');

    const again = await call(['export', 'example', '--mlflow', url, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ mlflow: { isNew: false, runId: 'run0' } });
    expect(server.runs).toHaveLength(1);
  });

  it('continues a run that was interrupted', async () => {
    server.runs[0].info.status = 'RUNNING';
    await call(['export', 'example', '--mlflow', url]);
    expect(server.runs.map(({ info }) => info.status)).toEqual(['FINISHED']);
  });

  it('reports a missing server, another server, and missing credentials', async () => {
    expect((await call(['export', 'example', '--mlflow', 'http://127.0.0.1:1'])).stderr).toMatch(/the MLflow server does not answer \(.*\)\. Check the address/);
    server.refuse = { path: /./, status: 401 };
    const refused = await call(['export', 'example', '--mlflow', url], { MLFLOW_TRACKING_TOKEN: 'a-token-that-is-secret' });
    expect(refused.stderr).toMatch(/status 401: .*Set MLFLOW_TRACKING_TOKEN/);
    expect(refused.stderr).not.toContain('a-token-that-is-secret');
    server.refuse = undefined;
    expect((await call(['export', 'example', '--mlflow', 'mlflow'])).stderr).toMatch(/--mlflow: this is not an address; expected http/);
    expect((await call(['export', 'example'])).stderr).toMatch(/no destination was given; expected --mlflow URL, --lm-eval FOLDER or --otlp URL/);
  });
});

describe('to an OpenTelemetry receiver', () => {
  const receiver = new OtlpReceiver();
  let url: string;
  const timeline: PipelineResult['timeline'] = { from: '2026-11-30T12:00:00.000Z', workers: ['7@host id'], units: [{ stage: 'rebuild', what: 'rebuild, layer 0', worker: 0, asked: 1, begun: 3, ended: 5 }] };
  beforeAll(async () => {
    url = await receiver.start();
    const traced = join(state, 'runs', 'traced-0123456789abcdef');
    mkdirSync(traced);
    writeFileSync(join(traced, 'result.json'), JSON.stringify({ ...result, name: 'traced', timeline } satisfies PipelineResult));
  });
  afterAll(() => receiver.stop());

  it('sends the timeline as one trace, however often', async () => {
    const { code, stdout, stderr } = await call(['export', 'traced', '--otlp', url, '--json'], { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a-key-of-the-receiver' });
    expect(code, stderr).toBe(0);
    const [trace] = receiver.traces;
    expect(traceFaults(trace)).toEqual([]);
    expect(trace.spans.map(({ name }) => name)).toEqual(['run traced', 'rebuild', 'rebuild, layer 0', 'wait for a worker']);
    expect(JSON.parse(stdout)).toEqual({ otlp: { traceId: trace.spans[0].traceId, spans: 4, url: `${url}/v1/traces` } });
    expect(attributeOf(trace.resource, 'service.version')).toBe((JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);
    expect(receiver.headers[0].authorization).toBe('Bearer a-key-of-the-receiver');
    await call(['export', 'traced', '--otlp', `${url}/v1/traces`]);
    expect(receiver.traces[1]).toEqual(trace);
  });

  it('says what is wrong: no timeline, no receiver, another server, no credentials, spans that were not taken', async () => {
    const said = async (address: string, env: NodeJS.ProcessEnv = {}, run = 'traced'): Promise<string> => (await call(['export', run, '--otlp', address], env)).stderr;
    expect(await said(url, {}, 'example')).toMatch(/its result has no timeline; expected a run of this version/);
    expect(await said('http://127.0.0.1:1/?key=in-the-address')).toMatch(/^.*http:\/\/127\.0\.0\.1:1\/v1\/traces: nothing answers there \(.*\); expected a receiver of OTLP over HTTP, usually on port 4318/);
    expect(await said(`${url}/elsewhere`)).toMatch(/the answer has status 404: .*Check the address/);
    receiver.answers.push({ status: 200, body: '<html>Welcome</html>' });
    expect(await said(url)).toMatch(/the answer has status 200: <html>.*expected OTLP over HTTP, in JSON/);
    receiver.answers.push({ status: 401, body: 'Bearer a-key-of-the-receiver is unknown' });
    expect(await said(url, { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer a-key-of-the-receiver' })).toMatch(/status 401: \[secret\] is unknown; .*Set OTEL_EXPORTER_OTLP_HEADERS/);
    receiver.answers.push({ status: 200, body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}' });
    expect(await said(url)).toMatch(/2 spans were not taken \(too old\)/);
    expect(await said('collector:4318')).toMatch(/--otlp: this is not an address/);
    expect(await said('http://me:my-password@collector:4318')).not.toContain('my-password');
  });
});

it('writes a checkpoint in a sparse format, and warns that it is a legacy one', async () => {
  const to = join(state, 'sparse');
  const words = ['export', 'test/golden/compressed-tensors/half', '--format', 'sparse-bitmask'];
  const { code, stdout, stderr } = await call([...words, '--to', to, '--json']);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ checkpoint: to, format: 'sparse-bitmask', linears: 7 });
  expect(stderr).toMatch(/legacy format\. Only compressed-tensors 0\.14 and older versions read it/);
  expect(readdirSync(to).sort()).toEqual(['config.json', 'model.safetensors']);
  expect((await call(words)).stderr).toMatch(/--format and --to belong together/);
  expect((await call([...words, '--to', to])).stderr).toMatch(/the folder already contains 2 files.*Choose another folder/);
  expect((await call([...words, '--to', to, '--lm-eval', to])).stderr).toMatch(/Give two commands/);
});

it('writes result files of lm-evaluation-harness, one for each state of the model', async () => {
  const to = join(state, 'lm-eval');
  const { code, stderr } = await call(['export', 'example', '--lm-eval', to]);
  expect(code, stderr).toBe(0);
  expect(readdirSync(to).sort()).toEqual(['example__dense', 'example__initial', 'example__rebuilt']);
  const [name] = readdirSync(join(to, 'example__rebuilt'));
  expect(name).toMatch(/^results_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.json$/);
  const file = JSON.parse(readFileSync(join(to, 'example__rebuilt', name), 'utf8')) as { results: object; 'n-samples': object; higher_is_better: object };
  expect(file.results).toEqual({
    arc_easy: { alias: 'arc_easy', 'acc,none': 0.5, 'acc_stderr,none': 0.01, 'acc_norm,none': 0.55, 'acc_norm_stderr,none': 0.02 },
    boolq: { alias: 'boolq', 'acc,none': 0.5, 'acc_stderr,none': 'N/A' },
    'held|out.txt': { alias: 'held|out.txt', 'perplexity,none': 6.32, 'perplexity_stderr,none': 'N/A' },
    ptb: { alias: 'ptb', 'perplexity,none': 9.5, 'perplexity_stderr,none': 'N/A' },
  });
  expect(file['n-samples']).toEqual({ arc_easy: { original: 200, effective: 200 }, boolq: { original: 200, effective: 200 } });
});

describe('deploy-check', () => {
  const checkpoint = join(state, 'checkpoint');
  const weights = 8 * 16;
  /** Writes 16-bit weights. `kept` decides by column: of every four the first two, or the first three. */
  const write = async (kept: (column: number) => boolean, config = {}): Promise<void> => {
    mkdirSync(checkpoint, { recursive: true });
    writeFileSync(join(checkpoint, 'config.json'), JSON.stringify({ model_type: 'llama', ...config }));
    const half = Uint16Array.from({ length: weights }, (_, index) => (kept(index % 16) ? 0x3c00 + index : 0));
    await writeSafetensors(join(checkpoint, 'model.safetensors'), [
      { name: 'model.embed_tokens.weight', dtype: 'F32', shape: [4, 4], data: () => Promise.resolve(new Uint8Array(Float32Array.from({ length: 16 }, (_, index) => index + 1).buffer)) },
      { name: 'model.layers.0.self_attn.q_proj.weight', dtype: 'F16', shape: [8, 16], data: () => Promise.resolve(new Uint8Array(half.buffer)) },
    ], {});
  };
  const check = async () => JSON.parse((await call(['deploy-check', checkpoint, '--json'])).stdout) as Record<string, number | null | boolean> & { runtimes: { runtime: string; helps: boolean }[] };

  it('gives the size of the weights in each format', async () => {
    await write((column) => column % 4 < 2);
    const dense = statSync(join(checkpoint, 'model.safetensors')).size;
    const found = await check();
    // By hand: 64 values of 2 bytes and 128 bits instead of 256 bytes; or 64 values with 2 bits each.
    expect(found).toMatchObject({ dense, bitmask: dense - 256 + 128 + 16, twoOfFour: dense - 256 + 128 + 16, weights, zeros: 64, pattern: '2:4', hasSparsityConfig: false });
    expect(found['zipped']).toBe(gzipSync(readFileSync(join(checkpoint, 'model.safetensors')), { level: 6 }).length);
    expect(found.runtimes.find(({ runtime }) => runtime === 'PyTorch')?.helps).toBe(true);
  });

  it('reports that a pattern other than 2:4 has no such format and no program for it, and points out a sparsity_config', async () => {
    await write((column) => column % 4 !== 3, { quantization_config: { sparsity_config: { format: 'dense' } } });
    expect(await check()).toMatchObject({ twoOfFour: null, hasSparsityConfig: true });
    const { stdout } = await call(['deploy-check', checkpoint]);
    expect(stdout).toMatch(/config\.json has a sparsity_config, which vLLM 0\.24 refuses/);
    expect(stdout).toMatch(/PyTorch +yes +no/);
  });

  it('has a source and a date for every statement', () => {
    for (const { source, date, statement } of runtimeFacts) {
      expect(source).toMatch(/^https:\/\//);
      expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
      expect(statement.length).toBeGreaterThan(10);
    }
  });
});
