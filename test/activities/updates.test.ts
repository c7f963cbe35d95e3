/** The updated weights of SparseGPT: stored, run, written, and read again as a user's checkpoint. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { scorePerplexity } from '../../activities/evaluation.js';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { sampleEvaluation } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { encodeTensor, openCheckpoint, readTensor, writeSafetensors } from '../../files/checkpoints/index.js';
import type { EvaluationStage, Pipeline } from '../../app/config/pipeline.js';
import { tf } from '../../science/engine/index.js';
import { copyOfDemo, demoPipeline, rebuildStageOf, temporaryState, type BegunRun } from '../helpers/demo-run.js';
import { beginHere } from '../helpers/in-process.js';

const sparseGpt = ['initialMask.method=sparsegpt'];
let state: string;
let remove: () => Promise<void>;

const newBench = (): Workbench => new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
const beginOn = (bench: Workbench, pipeline: Pipeline): Promise<BegunRun> =>
  beginHere(pipeline, bench);

async function rebuildAll({ context, tokens, initial }: BegunRun, pipeline: Pipeline, bench: Workbench): Promise<string[]> {
  const masks: string[] = [];
  for (const [layer, start] of initial.entries()) {
    const path = { tokens, masks: [...masks] };
    masks.push((await rebuildLayer({ context, stage: rebuildStageOf(pipeline), layer, path, start }, bench)).mask);
  }
  return masks;
}

async function perplexityOf(run: BegunRun, pipeline: Pipeline, masks: (string | null)[], bench: Workbench): Promise<number> {
  const { context } = run;
  const [task] = (pipeline.stages.find(({ type }) => type === 'evaluation') as EvaluationStage).perplexity;
  const { tokens } = await sampleEvaluation({ context, task }, bench);
  for (const [layer, mask] of masks.entries()) await advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask }, bench);
  return (await scorePerplexity({ context, path: { tokens, masks } }, bench)).perplexity;
}

beforeAll(async () => ({ state, remove } = await temporaryState()));
afterAll(() => remove());

/** A copy of the demo model with its weights in another dtype. */
async function demoIn(dtype: string): Promise<string> {
  const folder = await copyOfDemo(join(state, `demo-${dtype}`));
  const { tensors } = await openCheckpoint(join(folder, 'model'));
  const converted = await Promise.all([...tensors.values()].map(async (info) => ({ name: info.name, dtype, shape: info.shape, data: encodeTensor(dtype, await readTensor(info)) })));
  await writeSafetensors(join(folder, 'model', 'model.safetensors'), converted);
  return folder;
}

describe.each(['F32', 'F16', 'BF16'])('a model in %s', (dtype) => {
  it.each([
    ['initial', undefined],
    ['rebuilt, guarded, refit', ['rebuild.strategy=guarded']],
    ['rebuilt, guarded, keep-updates', ['rebuild.strategy=guarded', 'rebuild.weights=keep-updates']],
    ['rebuilt, published, keep-updates', ['rebuild.weights=keep-updates']],
  ])('writes a checkpoint of the model that was scored: %s', async (_, rebuild) => {
    const folder = await demoIn(dtype);
    const pipeline = demoPipeline([...sparseGpt, ...(rebuild ?? [])], folder);
    const bench = newBench();
    const run = await beginOn(bench, pipeline);
    const masks = rebuild === undefined ? run.initial : await rebuildAll(run, pipeline, bench);
    const scored = await perplexityOf(run, pipeline, masks, bench);
    const { checkpoint, mask } = await writeOutputs({ context: run.context, workflowId: `run-${dtype}-${rebuild?.join('-') ?? ''}`, masks }, bench);

    const again = demoPipeline([`model.source=${checkpoint}`], folder);
    const read = await beginOn(newBench(), again);
    expect(await perplexityOf(read, again, masks.map(() => null), newBench())).toBe(scored);
    expect((await readFile(mask, 'latin1')).slice(0, 4000)).toContain('"values":"updated"');
  });
});

it('drops the updates with keep-dense, so the checkpoint is the dense model under the mask', async () => {
  const pipeline = demoPipeline([...sparseGpt, 'rebuild.weights=keep-dense']);
  const bench = newBench();
  const run = await beginOn(bench, pipeline);
  const masks = await rebuildAll(run, pipeline, bench);
  const { checkpoint } = await writeOutputs({ context: run.context, workflowId: 'dense', masks }, bench);
  const [dense, pruned] = [await openCheckpoint(run.context.model.source), await openCheckpoint(checkpoint)];
  for (const [name, info] of pruned.tensors) {
    const [before, after] = [await readTensor(dense.tensors.get(name) ?? info), await readTensor(info)];
    expect(after.every((value, i) => value === 0 || value === before[i])).toBe(true);
  }
});

it('gives the same hidden states after updated weights from memory, from disk, and recomputed', async () => {
  const bench = newBench();
  const run = await beginOn(bench, demoPipeline([...sparseGpt, 'calibration.samples=6']));
  const path = { tokens: run.tokens, masks: run.initial };
  const bits = async (from: Workbench): Promise<string> => {
    const batches = await from.hidden.take(run.context, path);
    const text = batches.map((batch) => Buffer.from(batch.dataSync().buffer).toString('base64')).join();
    tf.dispose(batches);
    return text;
  };
  const inMemory = await bits(bench);
  expect(await bits(newBench())).toBe(inMemory);
  for (let layers = 1; layers <= path.masks.length; layers++) await bench.hidden.drop(run.context, { ...path, masks: path.masks.slice(0, layers) });
  expect(await bits(newBench())).toBe(inMemory);
});

it('takes the values of a SparseGPT checkpoint made elsewhere', async () => {
  const bench = newBench();
  const made = await beginOn(bench, demoPipeline(sparseGpt));
  const elsewhere = await writeOutputs({ context: made.context, workflowId: 'elsewhere', masks: made.initial }, bench);
  const pipeline = demoPipeline(['initialMask={ method: file, source: ' + elsewhere.checkpoint + ' }']);
  const run = await beginOn(newBench(), pipeline);
  const again = await writeOutputs({ context: run.context, workflowId: 'again', masks: run.initial }, newBench());
  const weights = async (folder: string): Promise<string> => (await readFile(join(folder, 'model.safetensors'))).toString('base64');
  expect(await weights(again.checkpoint)).toBe(await weights(elsewhere.checkpoint));
});

it('reports inputs that are always zero', async () => {
  const folder = await copyOfDemo(join(state, 'demo-dead'));
  const file = join(folder, 'model', 'model.safetensors');
  const { tensors } = await openCheckpoint(join(folder, 'model'));
  const info = [...tensors.values()].find(({ name }) => name.endsWith('layers.0.input_layernorm.weight'));
  const bytes = await readFile(file);
  // The norm's weight of input 3 is set to zero, and with it that input of q, k and v.
  bytes.fill(0, (info?.begin ?? 0) + 12, (info?.begin ?? 0) + 16);
  await writeFile(file, bytes);
  const bench = newBench();
  const pipeline = demoPipeline(sparseGpt, folder);
  const run = await beginOn(bench, pipeline);
  const [stage] = pipeline.stages.filter((one) => one.type === 'initialMask');
  const found = await makeInitialMask({ context: run.context, stage, layer: 0, path: { tokens: run.tokens, masks: [] } }, bench);
  expect(found.reused).toBe(true);
  expect(found.entries.map(({ linear, deadInputs }) => [linear.split('.').at(-2), deadInputs])).toEqual([['q_proj', 1], ['k_proj', 1], ['v_proj', 1]]);
});
