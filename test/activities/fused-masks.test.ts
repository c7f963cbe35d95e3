/** Linears that a checkpoint stores fused: what is written for them can be read back part by part. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPrunedLayer } from '../../activities/layer-files.js';
import { proveOutputs } from '../../activities/prove.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { readSafetensorsHeader, readTensorBytes, writeSafetensors } from '../../files/checkpoints/index.js';
import { linearsOf } from '../../science/models/index.js';
import { demoPipeline } from '../helpers/demo-run.js';
import { beginHere } from '../helpers/in-process.js';
import { familyFolder } from '../helpers/family-folder.js';
import { readArrays } from '../helpers/load-model.js';

let root: string;
beforeAll(async () => (root = await mkdtemp(join(tmpdir(), 'fused-'))));
afterAll(() => rm(root, { recursive: true }));

async function pruned(folder: string, setting: string) {
  const state = join(folder, 'state');
  const bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
  const run = await beginHere(demoPipeline([setting], folder), bench);
  const { model } = await bench.model(run.context.model);
  const layers = await Promise.all(run.initial.map((key, index) => readPrunedLayer(bench.store, key, model.decoderLayer(index))));
  const outputs = await writeOutputs({ context: run.context, workflowId: 'run', masks: run.initial }, bench);
  await proveOutputs({ context: run.context, workflowId: 'run', outputs }, bench);
  return { run, model, layers, outputs };
}

/** The rows of q, k and v in the fused matrix, as the modelling code of transformers splits it. */
const rowsOf: Record<string, (part: 'q' | 'k' | 'v') => number[]> = {
  // 4 heads of 4 dimensions, and 2 heads of keys and values.
  phi3: (part) => Array.from({ length: part === 'q' ? 16 : 8 }, (_, i) => i + { q: 0, k: 16, v: 24 }[part]),
  // 2 heads of 8 dimensions: q, k and v of one head, then those of the next.
  'gpt-neox': (part) => [0, 1].flatMap((head) => Array.from({ length: 8 }, (_, i) => 24 * head + { q: 0, k: 8, v: 16 }[part] + i)),
};

it.each(['phi3', 'gpt-neox'])('%s: keeps the budget of each part, and writes masks and updates to its rows', async (family) => {
  const folder = await familyFolder(family, join(root, family));
  const { model, layers, outputs } = await pruned(folder, 'initialMask={ method: sparsegpt, sparsity: 0.5 }');
  const file = readArrays(join(outputs.checkpoint, 'model.safetensors'));
  for (const [index, { masks, updates }] of layers.entries()) {
    for (const [at, part] of (['q', 'k', 'v'] as const).entries()) {
      const { name } = linearsOf(model.decoderLayer(index))[at];
      const whole = file[Object.keys(file).find((one) => one.includes(`layers.${index}.`) && /(qkv_proj|query_key_value)\.weight/.test(one)) ?? ''];
      const stored = rowsOf[family](part).flatMap((row) => [...whole.values.slice(16 * row, 16 * row + 16)]);
      expect(stored.map((value) => Number(value !== 0)), name).toEqual([...masks.get(name)!]);
      expect(stored.filter((value) => value === 0).length).toBe(stored.length / 2);
      expect(stored).toEqual([...updates.get(name)!].map((value, i) => value * masks.get(name)![i]));
    }
  }
});

it.each(['phi3', 'gpt-neox'])('%s: reads the same masks back from the mask file and the pruned checkpoint', async (family) => {
  const folder = await familyFolder(family, join(root, `${family} again`));
  const { layers, outputs } = await pruned(folder, 'initialMask={ method: wanda, sparsity: 0.5 }');
  for (const source of [outputs.mask, outputs.checkpoint]) {
    const again = await pruned(folder, `initialMask={ method: file, source: ${JSON.stringify(source)} }`);
    again.layers.forEach(({ masks }, index) => { for (const [name, mask] of masks) expect(mask, name).toEqual(layers[index].masks.get(name)); });
  }
});

it('refuses a mask file that states another order of bits', async () => {
  const folder = await familyFolder('phi3', join(root, 'order'));
  const { outputs } = await pruned(folder, 'initialMask={ method: magnitude, sparsity: 0.5 }');
  const { tensors, metadata } = await readSafetensorsHeader(outputs.mask);
  const written = await Promise.all([...tensors.values()].map(async (info) => ({ ...info, data: await readTensorBytes(info) })));
  const source = join(root, 'other-order.safetensors');
  await writeSafetensors(source, written, { ...metadata, bits: 'most significant first' });
  await expect(pruned(folder, `initialMask={ method: file, source: ${JSON.stringify(source)} }`)).rejects.toThrow(/its metadata says that bits are "most significant first"/);
});
