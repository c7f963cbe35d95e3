import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as checkpoints from '../../../files/checkpoints/index.js';
import { entry, writeRaw } from './raw-file.js';

const { openCheckpoint, resolveTensors } = checkpoints;

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'checkpoint-')); });
afterEach(() => rm(folder, { recursive: true }));

const save = (name: string, content: string | object) =>
  writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
const saveIndex = (weightMap: object) => save('model.safetensors.index.json', { metadata: {}, weight_map: weightMap });
const saveShard = (name: string, ...tensors: string[]) =>
  writeRaw(join(folder, name), Object.fromEntries(tensors.map((tensor, i) => [tensor, entry([1], 4 * i, 4 * i + 4)])), 4 * tensors.length);

async function expectError(type: keyof typeof checkpoints, message: RegExp): Promise<void> {
  const error: unknown = await openCheckpoint(folder).catch((thrown: unknown) => thrown);
  expect((error as Error).message).toMatch(message);
  expect(error).toBeInstanceOf(checkpoints[type]);
}

describe('openCheckpoint', () => {
  it('opens a single file', async () => {
    await save('config.json', { model_type: 'llama' });
    await saveShard('model.safetensors', 'a', 'b');
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.folder).toBe(folder);
    expect(checkpoint.config).toEqual({ model_type: 'llama' });
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b']);
    expect(checkpoint.weightFiles).toEqual([join(folder, 'model.safetensors')]);
  });

  it('opens shards in the order of their names', async () => {
    await save('config.json', {});
    await saveIndex({ c: 'model-2.safetensors', a: 'model-1.safetensors', b: 'model-2.safetensors' });
    await saveShard('model-1.safetensors', 'a');
    await saveShard('model-2.safetensors', 'c', 'b');
    await saveShard('expected.safetensors', 'other');
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.weightFiles).toEqual(['model-1.safetensors', 'model-2.safetensors'].map((name) => join(folder, name)));
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'c', 'b']);
    expect(checkpoint.tensors.get('b')?.file).toBe(checkpoint.weightFiles[1]);
  });

  it('refuses a missing folder, and a file', async () => {
    await save('file', '');
    await expect(openCheckpoint(join(folder, 'no'))).rejects.toThrow('/no: there is no such folder');
    await expect(openCheckpoint(join(folder, 'file'))).rejects.toThrow('/file: this is not a folder');
    await expect(openCheckpoint(join(folder, 'no'))).rejects.toBeInstanceOf(checkpoints.CheckpointNotFoundError);
  });

  it.each(['pytorch_model-00001-of-00002.bin', 'model.pt', 'consolidated.00.pth'])(
    'refuses %s and says how to convert it', async (name) => {
      await save('config.json', {});
      await save(name, '');
      await expectError('PickleCheckpointError', new RegExp(`files of a kind that is not supported \\(${name}\\).*save_pretrained`));
    });

  it('lists what it found if there are no weights', async () => {
    await expectError('NoWeightsError', /found: nothing/);
    await save('llama.Q4_K_M.gguf', '');
    await save('config.json', {});
    await expectError('NoWeightsError', /found: config\.json, llama\.Q4_K_M\.gguf;.*GGUF/);
  });

  it('refuses a folder without config.json, or with a bad one', async () => {
    await saveShard('model.safetensors', 'a');
    await expectError('MissingConfigError', /has no config\.json/);
    await save('config.json', '{"a": ');
    await expectError('MalformedJsonError', /config\.json: this is not JSON/);
    await save('config.json', []);
    await expectError('MalformedJsonError', /config\.json: this is not a JSON object/);
  });

  it('refuses a bad index', async () => {
    await save('config.json', {});
    await save('model.safetensors.index.json', {});
    await expectError('MalformedJsonError', /index\.json: the index has no object "weight_map"/);
    await saveIndex({ a: '../model.safetensors' });
    await expectError('MalformedJsonError', /shard of tensor a is "\.\.\/model\.safetensors"/);
    await saveIndex({ a: 7 });
    await expectError('MalformedJsonError', /shard of tensor a is 7/);
  });

  it('names shards that are missing', async () => {
    await save('config.json', {});
    await saveIndex({ a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-3.safetensors' });
    await saveShard('model-2.safetensors', 'b');
    await expectError('MissingShardError', /do not exist: model-1\.safetensors, model-3\.safetensors/);
  });

  it('names tensors that are not where the index says', async () => {
    await save('config.json', {});
    await saveIndex({ a: 'model-1.safetensors', c: 'model-2.safetensors' });
    await saveShard('model-1.safetensors', 'a', 'c');
    await saveShard('model-2.safetensors', 'd');
    await expectError('IndexMismatchError', /c \(in model-1\.safetensors; the index says model-2\.safetensors\)/);
  });

  it('opens shards whose index names a missing tensor, and fails only if that tensor is needed', async () => {
    await save('config.json', {});
    await saveIndex({ a: 'model-1.safetensors', b: 'model-1.safetensors' });
    await saveShard('model-1.safetensors', 'a');
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.unfound).toEqual(['b']);
    expect([...resolveTensors(checkpoint, [{ name: 'a', shape: [1] }]).keys()]).toEqual(['a']);
    expect(() => resolveTensors(checkpoint, [{ name: 'b', shape: [1] }])).toThrow(
      '1 of 1 tensors are missing: b; the checkpoint has 1: a; the index names 1 of the missing ones, but no shard has them',
    );
  });

  it('refuses a tensor that is in two shards', async () => {
    await save('config.json', {});
    await saveIndex({ a: 'model-1.safetensors', b: 'model-2.safetensors' });
    await saveShard('model-1.safetensors', 'a');
    await saveShard('model-2.safetensors', 'b', 'a');
    await expectError('TensorInTwoShardsError', /model-2\.safetensors: tensor a is also in model-1\.safetensors/);
  });

  it('reports a damaged shard like the reader', async () => {
    await save('config.json', {});
    await save('model.safetensors', 'short');
    await expectError('TruncatedFileError', /model\.safetensors: the file has 5 bytes/);
  });
});

describe('resolveTensors', () => {
  beforeEach(async () => {
    await mkdir(folder, { recursive: true });
    await save('config.json', {});
    await writeRaw(join(folder, 'model.safetensors'), {
      'embed.weight': entry([3, 2], 0, 24), 'norm.weight': entry([2], 24, 28, 'F16'), steps: entry([1], 28, 32, 'I32'),
    }, 32);
  });

  it('finds tensors by their names and aliases', async () => {
    const checkpoint = await openCheckpoint(folder);
    const found = resolveTensors(checkpoint, [
      { name: 'norm.weight', shape: [2] },
      { name: 'lm_head.weight', shape: [3, 2], aliases: ['decoder.embed.weight', 'embed.weight'] },
    ]);
    expect([...found].map(([name, info]) => [name, info.name])).toEqual([['norm.weight', 'norm.weight'], ['lm_head.weight', 'embed.weight']]);
  });

  it('lists missing tensors, ten at most', async () => {
    const checkpoint = await openCheckpoint(folder);
    const resolve = (...names: string[]) => () => resolveTensors(checkpoint, names.map((name) => ({ name, shape: [2] })));
    expect(resolve('norm.weight', 'x', 'y')).toThrow(/2 of 3 tensors are missing: x, y; the checkpoint has 3: embed\.weight/);
    expect(resolve('x')).toThrow(checkpoints.MissingTensorError);
    expect(resolve(...Array.from({ length: 30 }, (_, i) => `t${i}`))).toThrow(/t9 and 20 more/);
    expect(() => resolveTensors(checkpoint, [{ name: 'x', shape: [], aliases: ['y', 'z'] }])).toThrow('x (or y, z)');
  });

  it('lists tensors with another shape', async () => {
    const checkpoint = await openCheckpoint(folder);
    const resolve = () => resolveTensors(checkpoint, [{ name: 'norm.weight', shape: [2, 1] }, { name: 'embed.weight', shape: [2, 3] }]);
    expect(resolve).toThrow('norm.weight has [2], needs [2, 1], embed.weight has [3, 2], needs [2, 3]');
    expect(resolve).toThrow(checkpoints.ShapeMismatchError);
  });

  it('refuses weights that cannot be decoded', async () => {
    const checkpoint = await openCheckpoint(folder);
    expect(() => resolveTensors(checkpoint, [{ name: 'steps', shape: [1] }])).toThrow(checkpoints.UnsupportedDtypeError);
  });
});
