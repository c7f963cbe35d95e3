import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../activities/open-model.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { proveOutputs } from '../../activities/prove.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { openCheckpoint, readSafetensorsHeader, readTensorBytes, writeSafetensors, type TensorData } from '../../files/checkpoints/index.js';
import type { InitialMaskStage } from '../../app/config/pipeline.js';
import { copyOfDemo, demoPipeline, temporaryState } from '../helpers/demo-run.js';

let state: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ state, remove } = await temporaryState());
});
afterAll(() => remove());

const embedding = 'model.embed_tokens.weight';
const head = 'lm_head.weight';

/** Makes a copy of the demo with changed tensors. @returns its folder */
async function changed(name: string, change: (tensors: TensorData[]) => TensorData[]): Promise<string> {
  const folder = await copyOfDemo(join(state, name));
  const file = join(folder, 'model', 'model.safetensors');
  const { tensors } = await readSafetensorsHeader(file);
  const read = await Promise.all([...tensors.values()].map(async (info) => ({
    name: info.name, dtype: info.dtype, shape: info.shape, data: new Uint8Array(await readTensorBytes(info)),
  })));
  await rm(file);
  await writeSafetensors(file, change(read));
  return folder;
}

const withHead = (edit: (bytes: Uint8Array) => Uint8Array) => (tensors: TensorData[]): TensorData[] => {
  const { data, ...rest } = tensors.find(({ name }) => name === embedding) as TensorData & { data: Uint8Array };
  return [...tensors, { ...rest, name: head, data: edit(Uint8Array.from(data)) }];
};

describe('a config that ties the output head to the embedding', () => {
  it('is followed if the checkpoint has one of them, or both with equal values', async () => {
    const alone = await copyOfDemo(join(state, 'alone'));
    const equal = await changed('equal', withHead((bytes) => bytes));
    for (const folder of [alone, equal]) {
      const { model } = await openModel(join(folder, 'model'));
      expect(model.headTensors.map(({ name }) => name)).toEqual(['model.norm.weight', embedding]);
    }
  });

  it('is overridden by a separate head with other values, as in transformers 5', async () => {
    const own = await changed('own', withHead((bytes) => bytes.fill(0, bytes.length - 4)));
    const { model, checkpoint } = await openModel(join(own, 'model'));
    expect(model.headTensors).toEqual([expect.objectContaining({ name: 'model.norm.weight' }), { name: head, shape: [237, 64] }]);
    expect(model.tied).toBeUndefined();
    expect(checkpoint.config['tie_word_embeddings']).toBe(true);
  });
});

describe('names without the prefix `model.`', () => {
  it('are found, and kept in the mask and the checkpoint', async () => {
    const folder = await changed('flat', (tensors) => tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace(/^model\./, '') })));
    const pipeline = demoPipeline(['initialMask={method: magnitude, sparsity: 0.5}'], folder);
    const bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
    const context = await prepareRun({ pipeline }, bench);
    const masks: string[] = [];
    const stage = pipeline.stages[1] as InitialMaskStage;
    for (let layer = 0; layer < context.model.layers; layer++) masks.push((await makeInitialMask({ context, stage, layer }, bench)).mask);
    const outputs = await writeOutputs({ context, workflowId: 'flat', masks }, bench);
    await proveOutputs({ context, workflowId: 'flat', outputs }, bench);
    expect(outputs.pruned).toBe(context.model.prunable / 2);
    const { tensors, metadata } = await readSafetensorsHeader(outputs.mask);
    expect([...tensors.keys()]).toContain('layers.3.mlp.down_proj.weight');
    expect(Object.keys(JSON.parse(metadata['shapes'] ?? '{}') as object)).toEqual(expect.arrayContaining([...tensors.keys()]));
    expect((await openCheckpoint(outputs.checkpoint)).tensors.has('layers.0.self_attn.q_proj.weight')).toBe(true);

    // The written mask can be a source of masks again, and so can the written checkpoint.
    for (const source of [outputs.mask, outputs.checkpoint]) {
      const again = await prepareRun({ pipeline: demoPipeline([`initialMask={method: file, source: ${source}}`], folder) }, bench);
      expect(again.sparsity).toBe(0.5);
    }
  });
});
