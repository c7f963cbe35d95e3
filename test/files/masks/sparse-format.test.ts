/** Compares the legacy sparse formats with the tensors of compressed-tensors 0.14.0.1 for the same weights (test/golden/compressed-tensors/). */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensorsHeader, readTensorBytes, writeSafetensors } from '../../../files/checkpoints/index.js';
import { OutputExistsError, SparseFormatError, writeSparseCheckpoint, type SparseFormat } from '../../../files/masks/index.js';

const golden = resolve('test/golden/compressed-tensors');
const folder = mkdtempSync(join(tmpdir(), 'sparse-format-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns dtype, shape and bytes of all tensors of a file. */
async function tensorsOf(file: string): Promise<Record<string, object>> {
  const { tensors } = await readSafetensorsHeader(file);
  const read = [...tensors.values()].map(async (info) => [info.name, { dtype: info.dtype, shape: info.shape, bytes: (await readTensorBytes(info)).toString('hex') }] as const);
  return Object.fromEntries(await Promise.all(read));
}

const configOf = (target: string) => (JSON.parse(readFileSync(join(target, 'config.json'), 'utf8')) as { quantization_config: { sparsity_config: object } }).quantization_config;

describe.each<[string, SparseFormat, number]>([
  ['half', 'sparse-bitmask', 0.5],
  ['half-bf16', 'sparse-bitmask', 0.5],
  ['two-of-four', 'sparse-24-bitmask', 0.5],
])('%s as %s', (name, format, sparsity) => {
  it('has the tensors of compressed-tensors, byte for byte', async () => {
    const target = join(folder, `${name}-sparse`);
    const { linears } = await writeSparseCheckpoint({ checkpoint: join(golden, name), format, target });
    expect(linears).toBe(7);
    expect(await tensorsOf(join(target, 'model.safetensors'))).toEqual(await tensorsOf(join(golden, name, 'expected.safetensors')));
    const { sparsity_config, ...others } = configOf(target);
    expect(others).toEqual({ quant_method: 'compressed-tensors', format: 'dense' });
    expect(sparsity_config).toMatchObject({ format, global_sparsity: expect.closeTo(sparsity, 1) as number, ignore: [] });
    expect((sparsity_config as { targets: string[] }).targets).toContain('model.layers.0.mlp.down_proj');
  });
});

it('keeps shards, and writes an index that finds every tensor', async () => {
  const checkpoint = join(folder, 'sharded');
  cpSync(join(golden, 'half'), checkpoint, { recursive: true });
  rmSync(join(checkpoint, 'model.safetensors'));
  const { tensors } = await readSafetensorsHeader(join(golden, 'half', 'model.safetensors'));
  const shardOf = (name: string): string => `model-0000${name.includes('mlp') ? 2 : 1}-of-00002.safetensors`;
  for (const shard of new Set([...tensors.keys()].map(shardOf))) {
    const own = [...tensors.values()].filter(({ name }) => shardOf(name) === shard);
    await writeSafetensors(join(checkpoint, shard), own.map((info) => ({ ...info, data: () => readTensorBytes(info) })));
  }
  writeFileSync(join(checkpoint, 'model.safetensors.index.json'), JSON.stringify({ weight_map: Object.fromEntries([...tensors.keys()].map((name) => [name, shardOf(name)])) }));
  const target = join(folder, 'sharded-sparse');
  await writeSparseCheckpoint({ checkpoint, format: 'sparse-bitmask', target });
  const { weight_map } = JSON.parse(readFileSync(join(target, 'model.safetensors.index.json'), 'utf8')) as { weight_map: Record<string, string> };
  const expected = await tensorsOf(join(golden, 'half', 'expected.safetensors'));
  expect(Object.keys(weight_map).sort()).toEqual(Object.keys(expected).sort());
  for (const shard of new Set(Object.values(weight_map))) for (const [name, tensor] of Object.entries(await tensorsOf(join(target, shard)))) expect(tensor, name).toEqual(expected[name]);
});

it('replaces what an interrupted call left, and leaves nothing else there', async () => {
  const target = join(folder, 'interrupted');
  const write = (onProgress?: () => void) => writeSparseCheckpoint({ checkpoint: join(golden, 'half'), format: 'sparse-bitmask', target, ...(onProgress && { onProgress }) });
  await expect(write(() => { throw new Error('as if it were killed here'); })).rejects.toThrow('killed');
  // The remains must not look like a checkpoint.
  expect(readdirSync(target).filter((name) => !name.startsWith('.'))).toEqual([]);
  await write();
  expect(readdirSync(target).sort()).toEqual(['config.json', 'model.safetensors']);
  await expect(write()).rejects.toThrow(OutputExistsError);
  // As after an end while the files were moved up, of which config.json is the last.
  mkdirSync(join(target, '.unfinished-export'));
  renameSync(join(target, 'config.json'), join(target, '.unfinished-export', 'config.json'));
  await write();
  expect(readdirSync(target).sort()).toEqual(['config.json', 'model.safetensors']);
});

it('repeats after an interruption at every point of the moves, and of the repetition', async () => {
  const write = (target: string, onProgress?: () => void) => writeSparseCheckpoint({ checkpoint: join(golden, 'half'), format: 'sparse-bitmask', target, ...(onProgress && { onProgress }) });
  const whole = join(folder, 'whole');
  await write(whole);
  for (const up of [[], ['model.safetensors'], ['model.safetensors', 'config.json']]) {
    const target = join(folder, `moved-${up.length}`);
    cpSync(whole, target, { recursive: true });
    mkdirSync(join(target, '.unfinished-export'));
    for (const name of readdirSync(whole).filter((name) => !up.includes(name))) renameSync(join(target, name), join(target, '.unfinished-export', name));
    // What a call with another checkpoint had moved up and down before.
    for (const name of ['model-00001-of-00002.safetensors', 'model.safetensors.index.json']) if (up.length === 1) for (const at of ['.', '.unfinished-export']) writeFileSync(join(target, at, name), '{}');
    await expect(write(target, () => { throw new Error('as if it were killed here'); })).rejects.toThrow('killed');
    expect(existsSync(join(target, 'config.json'))).toBe(false);
    await write(target);
    expect(readdirSync(target).sort()).toEqual(readdirSync(whole).sort());
    for (const name of readdirSync(whole)) expect(readFileSync(join(target, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
    await expect(write(target)).rejects.toThrow(OutputExistsError);
  }
});

it('stores two of every four weights if fewer are nonzero', async () => {
  const checkpoint = join(folder, 'sparser');
  cpSync(join(golden, 'two-of-four'), checkpoint, { recursive: true });
  const name = 'model.layers.0.mlp.up_proj.weight';
  const weights = Float32Array.from([0, 0, 5, 0, 0, 0, 0, 0, -3, 0, 0, 2]);
  await writeSafetensors(join(checkpoint, 'model.safetensors'), [{ name, dtype: 'F32', shape: [1, 12], data: new Uint8Array(weights.buffer) }]);
  const target = join(folder, 'sparser-sparse');
  await writeSparseCheckpoint({ checkpoint, format: 'sparse-24-bitmask', target });
  const { tensors } = await readSafetensorsHeader(join(target, 'model.safetensors'));
  const bytes = async (part: string): Promise<Buffer> => readTensorBytes(tensors.get(`model.layers.0.mlp.up_proj.${part}`)!);
  expect([...await bytes('bitmask')]).toEqual([0b0011_0101, 0b1001]);
  const values = await bytes('compressed');
  expect([...new Float32Array(values.buffer, values.byteOffset, 6)]).toEqual([0, 5, 0, 0, -3, 2]);
});

describe('refuses', () => {
  it('a checkpoint that is not 2:4, and names the weights', async () => {
    const refused = writeSparseCheckpoint({ checkpoint: join(golden, 'half'), format: 'sparse-24-bitmask', target: join(folder, 'refused') });
    await expect(refused).rejects.toThrow(SparseFormatError);
    await expect(refused).rejects.toThrow(/tensor model\.layers\.0\.\S+: row \d+ keeps [34] of the 4 weights from column \d+.*--format sparse-bitmask/);
  });

  it('a dense checkpoint, and a folder that is not empty', async () => {
    const dense = resolve('pipelines/demo/model');
    await expect(writeSparseCheckpoint({ checkpoint: dense, format: 'sparse-bitmask', target: join(folder, 'refused') })).rejects.toThrow(/none of its linears is pruned/);
    await expect(writeSparseCheckpoint({ checkpoint: join(golden, 'half'), format: 'sparse-bitmask', target: golden })).rejects.toThrow(OutputExistsError);
  });
});
