/** Inputs that were once confused: the artifact of one was found for the other. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { sampleEvaluation } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import type { EvaluationStage, InitialMaskStage, PerplexityTask, Pipeline } from '../../app/config/pipeline.js';
import { demoFolder, demoPipeline, temporaryState } from '../helpers/demo-run.js';

describe('one store', () => {
  let state: string;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ state, remove } = await temporaryState());
  });
  afterAll(() => remove());
  const newBench = (): Workbench => new Workbench(state, new ArtifactStore(join(state, 'artifacts')));

  it('treats the same bytes as .txt and as .jsonl as two texts', async () => {
    const lines = readFileSync(join(demoFolder, 'heldout.txt'), 'utf8').split('\n').slice(0, 200).map((text) => JSON.stringify({ text })).join('\n');
    const windows: Buffer[] = [];
    for (const file of [join(state, 'data.txt'), join(state, 'data.jsonl')]) {
      writeFileSync(file, lines);
      const pipeline = demoPipeline([`evaluation.perplexity.0.dataset.file=${file}`]);
      const bench = newBench();
      const run = await prepareRun({ pipeline }, bench);
      const stage = pipeline.stages.find((one): one is EvaluationStage => one.type === 'evaluation') as EvaluationStage;
      const { tokens: made, reused } = await sampleEvaluation({ context: run, task: stage.perplexity[0] }, bench);
      expect(reused).toBe(false);
      windows.push(Buffer.from(await bench.store.read('tokens', made.key, 'tokens.i32')));
    }
    expect(windows[0].equals(windows[1])).toBe(false);
  });

  it('gives the masks of two pruned checkpoints different keys', async () => {
    const folders = ['one', 'two'].map((name) => join(state, name));
    for (const [i, folder] of folders.entries()) {
      mkdirSync(folder);
      copyFileSync(join(demoFolder, 'model', 'config.json'), join(folder, 'config.json'));
      const weights = readFileSync(join(demoFolder, 'model', 'model.safetensors'));
      // Set the first or the last half of all values to zero.
      const values = weights.subarray(8 + Number(weights.readBigUInt64LE(0)));
      values.fill(0, i === 0 ? 0 : values.length / 2, i === 0 ? values.length / 2 : values.length);
      writeFileSync(join(folder, 'model.safetensors'), weights);
    }
    const made: string[] = [];
    for (const source of folders) {
      const pipeline = demoPipeline(['initialMask.method=file', `initialMask.source=${source}`, 'initialMask.sparsity=0.5']);
      const stage = pipeline.stages.find((one): one is InitialMaskStage => one.type === 'initialMask') as InitialMaskStage;
      const bench = newBench();
      const run = await prepareRun({ pipeline }, bench);
      const { mask } = await makeInitialMask({ context: run, stage, layer: 0 }, bench);
      made.push(mask);
    }
    expect(made[0]).not.toBe(made[1]);
  });

  it('refuses a text that changed after the run began, and stores nothing from it', async () => {
    const file = join(state, 'edited.txt');
    const text = readFileSync(join(demoFolder, 'heldout.txt'), 'utf8');
    const task = (pipeline: Pipeline): PerplexityTask => (pipeline.stages.find((one): one is EvaluationStage => one.type === 'evaluation') as EvaluationStage).perplexity[0];
    writeFileSync(file, text);
    const pipeline = demoPipeline([`evaluation.perplexity.0.dataset.file=${file}`]);
    const bench = newBench();
    const run = await prepareRun({ pipeline }, bench);
    writeFileSync(file, `Another beginning. ${text}`);
    await expect(sampleEvaluation({ context: run, task: task(pipeline) }, bench)).rejects.toThrow(`${file}: the file has changed since the run began`);
    writeFileSync(file, text);
    expect((await sampleEvaluation({ context: run, task: task(pipeline) }, bench)).reused).toBe(false);
  });

  it('reopens a model that changed in its folder', async () => {
    const folder = join(state, 'changing');
    mkdirSync(folder);
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(demoFolder, 'model', name), join(folder, name));
    const bench = newBench();
    const before = (await bench.model({ source: folder })).model.maxPositions;
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: before / 2 }));
    expect((await bench.model({ source: folder })).model.maxPositions).toBe(before / 2);
  });
});
