import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AllowedPaths } from '../../activities/allowed-paths.js';
import { lockedInputs } from '../../activities/lock/index.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import { readTokens } from '../../activities/tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { parsePipeline, type CalibrationStage, type Lock, type Pipeline } from '../../app/config/index.js';
import { demoFolder } from '../helpers/demo-run.js';
import { HubServer } from '../helpers/hub-server.js';

const text = `
version: 1
name: small
model: { source: org/stories, revision: main }
stages:
  - calibration: { dataset: { name: wikitext2, revision: main }, samples: 4, sequenceLength: 32, sampling: random }
  - initialMask: { method: wanda, sparsity: 0.5 }
`;

describe('a run with a model and a text from a hub', () => {
  const server = new HubServer();
  let root: string;
  let commit: string;
  let data: string;

  beforeAll(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'hub-run-')));
    const model = join(demoFolder, 'model');
    commit = server.add('org/stories', Object.fromEntries(readdirSync(model).map((name) => [name, readFileSync(join(model, name))])));
    const filename = join(root, 'made.parquet');
    parquetWriteFile({ filename, columnData: [{ name: 'text', data: readFileSync(join(demoFolder, 'calibration.txt'), 'utf8').split('\n'), type: 'STRING' }] });
    data = server.add('datasets/Salesforce/wikitext', { 'wikitext-2-raw-v1/train-00000-of-00001.parquet': readFileSync(filename) });
    vi.stubEnv('HF_ENDPOINT', await server.start());
    for (const name of ['HF_TOKEN', 'HF_HUB_CACHE', 'HF_HUB_OFFLINE']) vi.stubEnv(name, '');
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.stop();
    rmSync(root, { recursive: true });
  });
  beforeEach(() => { server.requests.length = 0; });

  const pipeline: Pipeline = parsePipeline({ text, path: '/p/small.yaml' }).pipeline;
  const [calibration] = pipeline.stages as [CalibrationStage];
  const benchOf = (name: string, allowed?: AllowedPaths): Workbench => new Workbench(join(root, name), new ArtifactStore(join(root, name, 'artifacts')), allowed);
  const onMachine = (name: string): void => { vi.stubEnv('HF_HOME', join(root, name, 'huggingface')); };

  it('continues on another machine with the same commit although the branch has moved', async () => {
    onMachine('a');
    const first = benchOf('a');
    const told: string[] = [];
    first.onProgress = (words) => told.push(words);
    const context = await prepareRun({ pipeline }, first);
    expect(context.model).toMatchObject({ repo: 'org/stories', revision: commit });
    expect(context.commits).toEqual({ 'datasets/Salesforce/wikitext@main': data });
    expect(Object.keys(context.files)).toContain(`Salesforce/wikitext@${data}/wikitext-2-raw-v1/train-00000-of-00001.parquet`);
    expect(told.some((words) => /^downloading org\/stories: model\.safetensors, 785 KiB of 785 KiB/.test(words))).toBe(true);
    const { tokens } = await sampleCalibration({ context, stage: calibration }, first);

    server.add('org/stories', { 'config.json': '{}' });
    server.add('datasets/Salesforce/wikitext', { 'other.parquet': 'x' });
    onMachine('b');
    const second = benchOf('b');
    const again = await sampleCalibration({ context, stage: calibration }, second);
    expect(again.tokens).toEqual(tokens);
    expect(await readTokens(second.store, tokens)).toEqual(await readTokens(first.store, tokens));
    expect((await second.model(context.model)).checkpoint.folder).toContain(join(root, 'b'));

    const lock: Lock = { ...lockedInputs(pipeline, context, '/p'), outputs: { perplexity: {} } };
    expect(Object.keys(lock.files)).toEqual(['Salesforce/wikitext', 'org/stories', 'org/stories'].map((name) => expect.stringMatching(new RegExp(`^${name}@[0-9a-f]{40}/`)) as string));
    expect((await prepareRun({ pipeline, folder: '/p', lock }, second)).model.revision).toBe(commit);
  });

  /** A pipeline that reads only the model. */
  const maskAlone = parsePipeline({ text: 'version: 1\nname: alone\nmodel: { source: ./m }\nstages: [{ initialMask: { method: magnitude, sparsity: 0.5 } }]\n', path: '/p/alone.yaml' }).pipeline;

  it('may read its own repository in the cache, but nothing else through a link', async () => {
    onMachine('c');
    const allowed = new AllowedPaths([join(root, 'c')]);
    const elsewhere = join(root, 'elsewhere');
    vi.stubEnv('HF_HOME', elsewhere);
    const wanted = { ...maskAlone, model: { source: 'org/stories', revision: commit } };
    const { model } = await prepareRun({ pipeline: wanted }, benchOf('c', allowed));
    expect(model.source).toContain(elsewhere);
    mkdirSync(join(root, 'secret'));
    writeFileSync(join(root, 'secret', 'key.json'), 'secret');
    symlinkSync(join(root, 'secret', 'key.json'), join(model.source, 'key.json'));
    await expect(prepareRun({ pipeline: wanted }, benchOf('c', allowed))).rejects.toMatchObject({ name: 'PathNotAllowedError' });
    // Named by its path, the cache is a folder like any other.
    await expect(prepareRun({ pipeline: { ...wanted, model: { source: model.source } } }, benchOf('c', allowed))).rejects.toMatchObject({ name: 'PathNotAllowedError' });
  });

  it('refuses damaged weights in the cache', async () => {
    onMachine('d');
    const wanted = { ...maskAlone, model: { source: 'org/stories', revision: commit } };
    const { model } = await prepareRun({ pipeline: wanted }, benchOf('d'));
    const weights = realpathSync(join(model.source, 'model.safetensors'));
    const bytes = readFileSync(weights);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(weights, bytes);
    await expect(prepareRun({ pipeline: wanted }, benchOf('d'))).rejects.toMatchObject({ name: 'CacheDamagedError', retryable: false });
  });
});
