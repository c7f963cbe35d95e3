import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { readSafetensorsHeader, writeSafetensors } from '../../files/checkpoints/index.js';
import type { CalibrationStage, InitialMaskStage } from '../../app/config/pipeline.js';
import { copyOfDemo, demoPipeline, rebuildStageOf, temporaryState } from '../helpers/demo-run.js';

let state: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ state, remove } = await temporaryState());
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  vi.stubEnv('HF_HOME', state);
});
afterAll(() => {
  vi.unstubAllEnvs();
  return remove();
});

const newBench = (): Workbench => new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
const prepare = (overrides: string[], folder?: string): Promise<unknown> => prepareRun({ pipeline: demoPipeline(overrides, folder) }, newBench());

describe('reports inputs that do not fit together before any work is done', () => {
  it.each([
    ['a missing model', ['model.source=/no/such/model'], /\/no\/such\/model: there is no such file or folder. Check model.source/],
    ['a missing text', ['calibration.dataset.file=/no/text.txt'], /\/no\/text.txt: there is no such file or folder/],
    ['a dataset that is not in the cache', ['calibration.dataset={name: c4}'], /datasets\/allenai\/c4@1588ec454efa: the cache does not have en\/c4-train.00000-of-01024.json.gz, and HF_HUB_OFFLINE forbids contacting the hub/],
    ['a model that is not in the cache', ['model={source: org/name, revision: main}'], /org\/name@main: the cache does not have the commit that it stands for, and HF_HUB_OFFLINE/],
    ['M that does not divide the inputs', ['initialMask={method: magnitude, pattern: "3:7"}'], /model\.layers\.0\.\S+\.weight: the pattern 3:7 does not fit its \d+ inputs/],
    ['windows longer than the positions', ['calibration.sequenceLength=5000'], /calibration.sequenceLength: 5000 tokens are more than the model's positions; expected at most \d+/],
    ['a missing mask', ['initialMask={method: file, source: /no/mask.safetensors}'], /\/no\/mask.safetensors: there is no such file or folder/],
  ])('%s', async (_, overrides, message) => {
    await expect(prepare(overrides)).rejects.toThrow(message);
  });

  it('weights instead of a mask, and the mask of another model', async () => {
    const folder = await copyOfDemo(join(state, 'other'));
    const source = join(folder, 'model', 'model.safetensors');
    await expect(prepare([`initialMask={method: file, source: ${source}}`])).rejects.toThrow(/model.safetensors: tensor \S+ is F\d+; expected a mask file: one U8 tensor for each linear.*For a pruned checkpoint, give its folder/);
    const other = join(state, 'other-mask.safetensors');
    const prepared = async (name: string): Promise<unknown> => {
      await writeSafetensors(other, [{ name, dtype: 'U8', shape: [1], data: Uint8Array.of(1) }]);
      return prepare([`initialMask={method: file, source: ${other}}`]);
    };
    await expect(prepared('another')).rejects.toThrow(/other-mask.safetensors: the mask of model\.layers\.0\.\S+ is missing; expected \d+ bytes of packed bits/);
    await expect(prepared('model.layers.0.self_attn.q_proj.weight')).rejects.toThrow(/the mask of model\.layers\.0\.self_attn\.q_proj\.weight has 1 bytes; expected \d+ bytes of packed bits/);
    // As many weights, but rows and columns are exchanged.
    const linears = [...(await readSafetensorsHeader(source)).tensors.values()].filter(({ name }) => /_proj\.weight$/.test(name));
    const masks = linears.map(({ name, shape: [rows, columns] }) => ({ name, dtype: 'U8' as const, shape: [Math.ceil((rows * columns) / 8)], data: new Uint8Array(Math.ceil((rows * columns) / 8)).fill(255) }));
    const shapes = Object.fromEntries(linears.map(({ name, shape }) => [name, shape.toReversed()]));
    await writeSafetensors(other, masks, { shapes: JSON.stringify(shapes) });
    await expect(prepare([`initialMask={method: file, source: ${other}}`])).rejects.toThrow(/the mask of model\.layers\.0\.\S+ is for (\d+) x (\d+) weights; expected \d+ bytes of packed bits for its \2 x \1 weights/);
  });

  it('a truncated checkpoint', async () => {
    const folder = await copyOfDemo(join(state, 'truncated'));
    const file = join(folder, 'model', 'model.safetensors');
    await writeFile(file, (await readFile(file)).subarray(0, 70_000));
    await expect(prepare([], folder)).rejects.toThrow(file);
  });

  it('a checkpoint with a wrong PyTorch file', async () => {
    const folder = await copyOfDemo(join(state, 'pickle'));
    await rm(join(folder, 'model', 'model.safetensors'));
    await writeFile(join(folder, 'model', 'pytorch_model.bin'), 'x');
    await expect(prepare([], folder)).rejects.toThrow(/pytorch_model\.bin: it is not a zip archive/);
  });
});

it('chooses the same batches for the same pipeline, and gives different digests for different texts', async () => {
  const first = await prepareRun({ pipeline: demoPipeline() }, newBench());
  const second = await prepareRun({ pipeline: demoPipeline() }, newBench());
  expect(second).toEqual(first);
  const folder = await copyOfDemo(join(state, 'text'));
  await writeFile(join(folder, 'calibration.txt'), 'another text');
  const third = await prepareRun({ pipeline: demoPipeline([], folder) }, newBench());
  expect(Object.values(third.files)).not.toEqual(Object.values(first.files));
  expect(third.model.digest).toBe(first.model.digest);
});

it('stops the run if the model has changed since it began', async () => {
  const folder = await copyOfDemo(join(state, 'changed'));
  const pipeline = demoPipeline(['initialMask.method=magnitude'], folder);
  const bench = newBench();
  const context = await prepareRun({ pipeline, folder }, bench);
  const [, stage] = pipeline.stages as [CalibrationStage, InitialMaskStage];
  const work = (by: Workbench): Promise<unknown> => makeInitialMask({ context, stage, layer: 0 }, by);
  await work(bench);
  const file = join(folder, 'model', 'model.safetensors');
  const bytes = await readFile(file);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(file, bytes);
  // Also on another worker, which has never seen the original.
  for (const by of [bench, newBench()]) await expect(makeInitialMask({ context, stage, layer: 1 }, by)).rejects.toThrow(/model: the model has changed since the run began/);
});

it('stops the run on a NaN in the weights, and says where it appeared', async () => {
  const folder = await copyOfDemo(join(state, 'nan'));
  const file = join(folder, 'model', 'model.safetensors');
  const { tensors } = await readSafetensorsHeader(file);
  const info = tensors.get('model.layers.1.mlp.up_proj.weight')!;
  const bytes = await readFile(file);
  bytes.fill(0xff, info.begin, info.begin + 4);
  await writeFile(file, bytes);

  const pipeline = demoPipeline(['initialMask={method: magnitude, sparsity: 0.5}'], folder);
  const bench = newBench();
  const context = await prepareRun({ pipeline }, bench);
  const [calibration, mask] = pipeline.stages as [CalibrationStage, InitialMaskStage];
  const { tokens } = await sampleCalibration({ context, stage: calibration }, bench);
  const sound = await makeInitialMask({ context, stage: mask, layer: 0 }, bench);
  await rebuildLayer({ context, stage: rebuildStageOf(pipeline), layer: 0, path: { tokens, masks: [] }, start: sound.mask }, bench);
  await expect(makeInitialMask({ context, stage: mask, layer: 1 }, bench)).rejects.toThrow(/model\.layers\.1\.mlp\.up_proj\.weight/);
  bench.forget();
});
