/** Small trained mixtures of experts, from calibration to the written checkpoint, by every method. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { allocatedBudgets, scoreLayer } from '../../activities/allocation.js';
import { scorePerplexity } from '../../activities/evaluation.js';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { proveMasks, proveOutputs } from '../../activities/prove.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import type { RebuildEntry } from '../../activities/result.js';
import { sampleEvaluation } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import { openCheckpoint, readTensor } from '../../files/checkpoints/index.js';
import type { EvaluationStage, InitialMaskStage, Pipeline } from '../../app/config/pipeline.js';
import { demoPipeline, rebuildStageOf, type BegunRun } from '../helpers/demo-run.js';
import { beginHere, temporaryBench } from '../helpers/in-process.js';

const folderOf = (name: string): string => resolve('test/golden/mixtures', name);
let remove: () => Promise<void>;
let bench: Workbench;

beforeAll(async () => {
  ({ bench, remove } = await temporaryBench());
});
afterAll(() => remove());

const pipelineOf = (model: string, settings: readonly string[]): Pipeline =>
  demoPipeline([`model.source=${folderOf(model)}`, 'calibration.samples=24', 'calibration.sequenceLength=64', 'evaluation.perplexity=[{ dataset: { file: pipelines/demo/heldout.txt } }]', ...settings]);
const beginOn = (pipeline: Pipeline): Promise<BegunRun> => beginHere(pipeline, bench);

async function rebuildAll({ context, tokens, initial }: BegunRun, pipeline: Pipeline): Promise<{ masks: string[]; entries: RebuildEntry[] }> {
  const masks: string[] = [];
  const entries: RebuildEntry[] = [];
  for (const [layer, start] of initial.entries()) {
    const made = await rebuildLayer({ context, stage: rebuildStageOf(pipeline), layer, path: { tokens, masks: [...masks] }, start }, bench);
    masks.push(made.mask);
    entries.push(...made.entries);
  }
  return { masks, entries };
}

async function perplexityOf({ context }: BegunRun, pipeline: Pipeline, masks: (string | null)[]): Promise<number> {
  const [task] = (pipeline.stages.find(({ type }) => type === 'evaluation') as EvaluationStage).perplexity;
  const { tokens } = await sampleEvaluation({ context, task }, bench);
  for (const [layer, mask] of masks.entries()) await advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask }, bench);
  return (await scorePerplexity({ context, path: { tokens, masks } }, bench)).perplexity;
}

/** Counts the zeros of each tensor of a checkpoint from its file. */
async function zerosIn(checkpoint: string): Promise<Record<string, { zeros: number; size: number; values: Float32Array }>> {
  const { tensors } = await openCheckpoint(checkpoint);
  const counted = await Promise.all([...tensors].map(async ([name, info]) => {
    const values = await readTensor(info);
    return [name, { zeros: values.filter((value) => value === 0).length, size: values.length, values }] as const;
  }));
  return Object.fromEntries(counted);
}

interface Pruned {
  run: BegunRun;
  masks: string[];
  entries: RebuildEntry[];
  /** On the demo's held-out text. */
  perplexity: { initial: number; rebuilt: number };
}

const known = new Map<string, Promise<Pruned>>();

/** Runs a whole pipeline on a model, once per pipeline. */
function pruned(model: string, settings: readonly string[]): Promise<Pruned> {
  const key = [model, ...settings].join();
  const made = known.get(key) ?? prune(pipelineOf(model, settings));
  known.set(key, made);
  return made;
}

async function prune(pipeline: Pipeline): Promise<Pruned> {
  const run = await beginOn(pipeline);
  const made = await rebuildAll(run, pipeline);
  return { run, ...made, perplexity: { initial: await perplexityOf(run, pipeline, run.initial), rebuilt: await perplexityOf(run, pipeline, made.masks) } };
}

describe.each(['mixtral', 'qwen3-moe'])('%s', (model) => {
  it('has the perplexity of transformers when dense', async () => {
    const expected = JSON.parse(readFileSync(join(folderOf(model), 'expected.json'), 'utf8')) as { perplexity: number };
    const pipeline = pipelineOf(model, []);
    const run = await beginOn(pipeline);
    expect(await perplexityOf(run, pipeline, run.initial.map(() => null)) / expected.perplexity).toBeCloseTo(1, 4);
  });

  it.each([
    ['initialMask={ method: wanda, sparsity: 0.5 }', 'rebuild={ strategy: published }'],
    ['initialMask={ method: wanda, sparsity: 0.5 }', 'rebuild={ strategy: guarded }'],
    ['initialMask={ method: wanda, pattern: "2:4" }', 'rebuild={ strategy: guarded }'],
    ['initialMask={ method: magnitude, pattern: "2:4" }', 'rebuild={ strategy: published, ratio: 0.25 }'],
    ['initialMask={ method: sparsegpt, sparsity: 0.5 }', 'rebuild={ strategy: guarded }'],
    ['initialMask={ method: sparsegpt, pattern: "2:4" }', 'rebuild={ strategy: guarded }'],
    ['initialMask={ method: wanda, sparsity: 0.5 }', 'rebuild={ strategy: best }'],
    ['initialMask={ method: wanda, pattern: "2:4" }', 'rebuild={ strategy: best, effort: 3 }'],
    ['initialMask={ method: wanda, sparsity: 0.5 }', 'rebuild={ strategy: best, weights: keep-dense }'],
  ])('%s, %s: prunes half of every expert, passes the proof, and improves with the rebuild', async (initialMask, rebuild) => {
    const pipeline = pipelineOf(model, [initialMask, rebuild]);
    const stage = rebuildStageOf(pipeline);
    const { run: { context, initial }, masks, entries, perplexity } = await pruned(model, [initialMask, rebuild]);
    await proveMasks({ context, stage: pipeline.stages[1] as InitialMaskStage, masks: initial, start: [] }, bench);
    await proveMasks({ context, stage, masks, start: initial }, bench);
    const workflowId = `${model}-${initialMask}-${rebuild}`.replace(/[^a-z0-9]+/g, '-');
    const outputs = await writeOutputs({ context, workflowId, masks }, bench);
    await proveOutputs({ context, workflowId, outputs }, bench);

    const after = await zerosIn(outputs.checkpoint);
    const dense = await zerosIn(folderOf(model));
    const experts = new Set(Object.keys(after).map((name) => /.*experts\.\d+\./.exec(name)?.[0]).filter((path) => path !== undefined));
    expect(experts.size).toBe(model === 'mixtral' ? 8 : 16);
    for (const path of experts) {
      const own = Object.entries(after).filter(([name]) => name.startsWith(path)).map(([, counts]) => counts);
      expect(own.reduce((sum, { zeros }) => sum + zeros, 0)).toBe(own.reduce((sum, { size }) => sum + size, 0) / 2);
    }
    for (const name of Object.keys(after).filter((one) => /norm|gate\.weight|embed/.test(one))) expect(after[name].values).toEqual(dense[name].values);

    expect(perplexity.rebuilt).toBeLessThan(perplexity.initial);
    for (const entry of entries.filter(({ expert }) => expert !== undefined)) expect(entry.tokens).toBeGreaterThanOrEqual(0);
    if (stage.strategy === 'published') return;
    for (const { errorBefore, errorAfter } of entries) expect(errorAfter).toBeLessThanOrEqual(errorBefore);
    const judged = entries.flatMap(({ layerOutput }) => layerOutput ?? []);
    expect(judged.length).toBe(4);
  });

  it.each([
    ['initialMask={ method: wanda, sparsity: 0.5 }', 'rebuild={ strategy: best }'],
    ['initialMask={ method: wanda, pattern: "2:4" }', 'rebuild={ strategy: best, effort: 3 }'],
  ])('%s: %s has a lower perplexity than guarded', async (initialMask, best) => {
    const guarded = await pruned(model, [initialMask, 'rebuild={ strategy: guarded }']);
    const made = await pruned(model, [initialMask, best]);
    expect(made.perplexity.rebuilt).toBeLessThan(guarded.perplexity.rebuilt);
  });

  it.each([64, 450])('prunes exactly the allocated share of each expert, with minTokens %d', async (minTokens) => {
    const { context, tokens } = await beginOn(pipelineOf(model, [`experts.minTokens=${minTokens}`, 'initialMask={ method: wanda, sparsity: 0.537 }']));
    const layers = Array.from({ length: context.model.layers }, (_, layer) => layer);
    for (const method of ['owl', 'dlp', 'sensitivity', 'ramp'] as const) {
      if (method === 'sensitivity') for (const layer of layers) await advanceLayer({ context, layer, path: { tokens, masks: layers.slice(0, layer).map(() => null) }, mask: null, keep: true }, bench);
      if (method !== 'ramp') for (const layer of method === 'sensitivity' ? layers.toReversed() : layers) await scoreLayer({ context, method, tokens, layer }, bench);
      const budgets = await allocatedBudgets(context, { method }, tokens, bench);
      expect([...budgets.values()].reduce((sum, count) => sum + count, 0)).toBe(Math.floor(context.model.prunable * 0.537));
      expect(new Set(budgets.values()).size).toBeGreaterThan(2);

      const stage: InitialMaskStage = { type: 'initialMask', method: 'wanda', sparsity: 0.537, pattern: 'unstructured', allocation: { method } };
      const masks: string[] = [];
      for (const layer of layers) masks.push((await makeInitialMask({ context, stage, layer, path: { tokens, masks: [...masks] }, scoredOn: tokens }, bench)).mask);
      await proveMasks({ context, stage, masks, start: [] }, bench);
      const { checkpoint } = await writeOutputs({ context, workflowId: `allocated-${model}-${minTokens}-${method}`, masks }, bench);
      const after = await zerosIn(checkpoint);
      for (const [name, count] of budgets) expect(after[name].zeros, `${method}, ${name}`).toBe(count);
    }
  });

  it('prunes experts with too few tokens by magnitude, row by row, without a rebuild, and names them in the result', async () => {
    const pipeline = pipelineOf(model, ['experts.minTokens=100000', 'initialMask={ method: wanda, sparsity: 0.5 }', 'rebuild={ strategy: guarded }']);
    const run = await beginOn(pipeline);
    const { masks, entries } = await rebuildAll(run, pipeline);
    const experts = entries.filter(({ expert }) => expert !== undefined);
    expect(experts.length).toBe(model === 'mixtral' ? 8 : 16);
    for (const entry of experts) expect(entry).toMatchObject({ few: true, grown: 0, pruned: 0 });
    const { entries: notes } = await makeInitialMask({ context: run.context, stage: pipeline.stages[1] as InitialMaskStage, layer: 0, path: { tokens: run.tokens, masks: [] } }, bench);
    expect(notes.length).toBe((model === 'mixtral' ? 4 : 8) * 3);
    // Every token goes to two experts.
    expect(notes.reduce((sum, { tokens = 0 }) => sum + tokens / 3, 0)).toBe(24 * 64 * 2);

    const outputs = await writeOutputs({ context: run.context, workflowId: `few-${model}`, masks }, bench);
    const [after, dense] = [await zerosIn(outputs.checkpoint), await zerosIn(folderOf(model))];
    for (const name of Object.keys(after).filter((one) => one.includes('.experts.'))) {
      const inputs = after[name].size / (name.includes('down_proj') || name.includes('w2') ? 32 : model === 'mixtral' ? 48 : 24);
      for (let row = 0; row < after[name].size; row += inputs) {
        const weights = dense[name].values.slice(row, row + inputs);
        const kept = after[name].values.slice(row, row + inputs);
        const least = Math.min(...kept.filter((value) => value !== 0).map(Math.abs));
        expect(weights.every((value, i) => kept[i] !== 0 || Math.abs(value) <= least)).toBe(true);
      }
    }
  });
});

it('refuses settings of experts for a model without experts', async () => {
  await expect(beginOn(demoPipeline(['experts.minTokens=3']))).rejects.toThrow('experts: `experts` is set, but the model has no experts; expected it only for mixtures of experts. Remove it.');
});
