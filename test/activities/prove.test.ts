/** A run fails if stored masks or outputs are not what they claim to be. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPrunedLayer, writePrunedLayer, type PrunedLayer } from '../../activities/layer-files.js';
import { proveMasks, proveOutputs } from '../../activities/prove.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import type { InitialMaskStage, Pipeline } from '../../app/config/pipeline.js';
import { readSafetensorsHeader } from '../../files/checkpoints/index.js';
import { linearsOf } from '../../science/models/index.js';
import { demoPipeline, rebuildStageOf, type BegunRun } from '../helpers/demo-run.js';
import { beginHere, temporaryBench } from '../helpers/in-process.js';

let bench: Workbench;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ bench, remove } = await temporaryBench());
});
afterAll(() => remove());

const beginOn = (pipeline: Pipeline): Promise<BegunRun> =>
  beginHere(pipeline, bench);
const initialStageOf = ({ stages }: Pipeline): InitialMaskStage => stages.find((stage): stage is InitialMaskStage => stage.type === 'initialMask') as InitialMaskStage;

/** Stores a changed copy of a layer's mask. */
async function changed({ context }: BegunRun, key: string, layer: number, change: (pruned: PrunedLayer) => void): Promise<string> {
  const { model } = await bench.model(context.model);
  const { masks, updates } = await readPrunedLayer(bench.store, key, model.decoderLayer(layer));
  const pruned = { masks: new Map(masks), updates };
  change(pruned);
  const { manifest } = await bench.store.findOrMake('mask', { changed: key, by: change.toString() }, async (draft) => {
    await writePrunedLayer(draft, model.decoderLayer(layer), pruned);
    return {};
  });
  return manifest.key;
}

const flip = (mask: Uint8Array, at: number): void => void (mask[at] = 1 - mask[at]);
const firstOf = ({ masks }: PrunedLayer): Uint8Array => masks.values().next().value as Uint8Array;

describe.each([
  ['magnitude', 'initialMask={ method: magnitude, sparsity: 0.5 }', 'the whole linear'],
  ['wanda', 'initialMask={ method: wanda, sparsity: 0.29 }', 'row 0'],
  ['sparsegpt', 'initialMask={ method: sparsegpt, sparsity: 0.29 }', 'columns 0 to'],
  ['admm', 'initialMask={ method: admm, sparsity: 0.29, iterations: 4 }', 'row 0'],
  ['N:M', 'initialMask={ method: wanda, pattern: "2:4" }', 'of 4 weights'],
])('initial masks: %s', (_, setting, group) => {
  it('pass as they are made, and fail with the group named if one weight is added or removed', async () => {
    const pipeline = demoPipeline([setting]);
    const run = await beginOn(pipeline);
    const input = { context: run.context, stage: initialStageOf(pipeline), masks: run.initial, start: [] };
    await proveMasks(input, bench);
    const { model } = await bench.model(run.context.model);
    const wrong = await changed(run, run.initial[1], 1, (pruned) => flip(firstOf(pruned), 0));
    const name = linearsOf(model.decoderLayer(1))[0].name;
    await expect(proveMasks({ ...input, masks: [run.initial[0], wrong, ...run.initial.slice(2)] }, bench)).rejects.toThrow(new RegExp(`${name}[^]*${group}`));
  });
});

it.each(['block', 'layer', 'output', 'input'])('keeps every group in a rebuild by %s, and reports a moved weight', async (granularity) => {
  const pipeline = demoPipeline([`rebuild.granularity=${granularity}`]);
  const run = await beginOn(pipeline);
  const stage = rebuildStageOf(pipeline);
  const { mask } = await rebuildLayer({ context: run.context, stage, layer: 0, path: { tokens: run.tokens, masks: [] }, start: run.initial[0] }, bench);
  const input = { context: run.context, stage, masks: [mask], start: run.initial };
  await proveMasks(input, bench);
  const wrong = await changed(run, mask, 0, (pruned) => flip(firstOf(pruned), 5));
  await expect(proveMasks({ ...input, masks: [wrong] }, bench)).rejects.toThrow(granularity === 'block' ? 'layer 0, attention' : 'expected');
});

it('refuses updated weights that are not numbers', async () => {
  const pipeline = demoPipeline(['initialMask.method=sparsegpt']);
  const run = await beginOn(pipeline);
  const wrong = await changed(run, run.initial[0], 0, ({ updates }) => void ([...updates.values()][0][7] = NaN));
  const input = { context: run.context, stage: initialStageOf(pipeline), masks: [wrong], start: [] };
  await expect(proveMasks(input, bench)).rejects.toThrow('NaN');
});

describe('the outputs of a run', () => {
  const outputs = async (workflowId: string): Promise<{ run: BegunRun; outputs: { checkpoint: string; mask: string }; workflowId: string }> => {
    const run = await beginOn(demoPipeline());
    return { run, outputs: await writeOutputs({ context: run.context, workflowId, masks: run.initial }, bench), workflowId };
  };

  it('are proved, and the proof is written', async () => {
    const { run, ...rest } = await outputs('whole');
    const { proof } = await proveOutputs({ context: run.context, ...rest }, bench);
    expect(JSON.parse(await readFile(proof, 'utf8'))).toMatchObject({ format: 'mask-proof', pattern: 'unstructured' });
  });

  it('fail for a kept weight with another value, with tensor and position', async () => {
    const { run, ...rest } = await outputs('changed');
    const file = join(rest.outputs.checkpoint, 'model.safetensors');
    const { tensors } = await readSafetensorsHeader(file);
    const info = [...tensors.values()].find(({ name }) => name.endsWith('layers.1.mlp.down_proj.weight'));
    const bytes = await readFile(file);
    let at = info?.begin ?? 0;
    while (bytes.readFloatLE(at) === 0) at += 4;
    const position = (at - (info?.begin ?? 0)) / 4;
    bytes.writeFloatLE(bytes.readFloatLE(at) * 2, at);
    await writeFile(file, bytes);
    const [row, column] = [Math.floor(position / (info?.shape[1] ?? 1)), position % (info?.shape[1] ?? 1)];
    await expect(proveOutputs({ context: run.context, ...rest }, bench)).rejects.toThrow(new RegExp(`layers.1.mlp.down_proj.weight[^]*row ${row}, column ${column}`));
  });
});
