import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  decodeTensor, NotPrefetchedError, openCheckpoint, prefetch, readSafetensorsHeader, readTensor, readTensorBytes,
  TruncatedFileError, UnsupportedDtypeError, writeSafetensors, type PrefetchedTensors, type TensorInfo,
} from '../../../files/checkpoints/index.js';
import { goldenFamilies } from '../../helpers/golden.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tensor-'));
  path = join(folder, 'a.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

async function save(dtype: string, data: ArrayBufferView, elements: number, name = 'x'): Promise<TensorInfo> {
  await writeSafetensors(path, [{ name, dtype, shape: [elements], data: new Uint8Array(data.buffer) }]);
  return (await readSafetensorsHeader(path)).tensors.get(name) as TensorInfo;
}

const allHalves = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

describe('readTensor', () => {
  it('gives F32 bit for bit', async () => {
    const bits = Uint32Array.of(0, 0x80000000, 1, 0x7f800000, 0xff800000, 0x7fc12345, 0x3f800000, 0x00800000);
    const values = await readTensor(await save('F32', bits, bits.length));
    expect(new Uint32Array(values.buffer, values.byteOffset, values.length)).toEqual(bits);
  });

  it('decodes every F16 by the definition of the format', async () => {
    const values = await readTensor(await save('F16', allHalves, 65536));
    for (const half of allHalves) {
      const sign = half & 0x8000 ? -1 : 1;
      const exponent = (half >> 10) & 31;
      const fraction = (half & 1023) / 1024;
      let expected = sign * (1 + fraction) * 2 ** (exponent - 15);
      if (exponent === 0) expected = sign * fraction * 2 ** -14;
      if (exponent === 31) expected = fraction === 0 ? sign * Infinity : NaN;
      if (!Object.is(values[half], expected)) expect.fail(`${half.toString(16)}: ${values[half]} instead of ${expected}`);
    }
  });

  it('decodes every BF16 as the upper half of a float32', async () => {
    const values = await readTensor(await save('BF16', allHalves, 65536));
    const view = new DataView(new ArrayBuffer(4));
    for (const half of allHalves) {
      view.setUint16(2, half, true);
      if (!Object.is(values[half], view.getFloat32(0, true))) expect.fail(half.toString(16));
    }
  });

  it('reads data longer than one piece of 64 MiB', async () => {
    const data = Uint32Array.from({ length: 20_000_000 }, (_, i) => Math.imul(i, 2654435761));
    const bytes = await readTensorBytes(await save('U32', data, data.length));
    expect(bytes.equals(Buffer.from(data.buffer))).toBe(true);
  });

  it('reads a tensor without elements', async () => {
    expect(await readTensor(await save('F16', new Uint16Array(0), 0))).toEqual(new Float32Array(0));
  });

  it('refuses other dtypes', async () => {
    const info = await save('I32', Int32Array.of(1, 2), 2, 'counts');
    await expect(readTensor(info)).rejects.toThrow(/a\.safetensors, tensor counts: weights in I32 cannot be decoded; expected F32, F16, BF16/);
    await expect(readTensor(info)).rejects.toBeInstanceOf(UnsupportedDtypeError);
  });

  it('notices a file that became shorter after its header was read', async () => {
    const info = await save('F32', new Float32Array(100), 100);
    await truncate(path, info.end - 40);
    await expect(readTensor(info)).rejects.toThrow(`a.safetensors: the file ends at byte ${info.end - 40}; expected 40 more bytes`);
    await expect(readTensor(info)).rejects.toBeInstanceOf(TruncatedFileError);
  });
});

async function valuesOf(ahead: PrefetchedTensors, name: string): Promise<Float32Array> {
  const { info, bytes } = await ahead.read(name);
  return decodeTensor(info, bytes);
}

describe('prefetch', () => {
  it('returns the same as readTensor, each tensor once', async () => {
    await writeSafetensors(path, [
      { name: 'a', dtype: 'F32', shape: [2], data: new Uint8Array(Float32Array.of(1, -2).buffer) },
      { name: 'b', dtype: 'BF16', shape: [1], data: Uint8Array.of(0x80, 0x3f) },
    ]);
    const { tensors } = await readSafetensorsHeader(path);
    const ahead = prefetch(tensors.values());
    expect(await valuesOf(ahead, 'b')).toEqual(Float32Array.of(1));
    expect(await valuesOf(ahead, 'a')).toEqual(Float32Array.of(1, -2));
    await expect(ahead.read('a')).rejects.toBeInstanceOf(NotPrefetchedError);
    await expect(ahead.read('c')).rejects.toThrow('tensor c was not prefetched');
  });

  it('looks tensors up by the keys of a map, also one tensor under two keys', async () => {
    const info = await save('F32', Float32Array.of(5), 1, 'model.embed_tokens.weight');
    const ahead = prefetch(new Map([['lm_head.weight', info], ['model.embed_tokens.weight', info]]));
    expect(await valuesOf(ahead, 'lm_head.weight')).toEqual(Float32Array.of(5));
    expect(await valuesOf(ahead, 'model.embed_tokens.weight')).toEqual(Float32Array.of(5));
  });

  it('has the bytes ready after a blocked thread', async () => {
    const info = await save('F32', Float32Array.from({ length: 1000 }, (_, i) => i), 1000);
    const ahead = prefetch([info]);
    // No callback can run until this wait ends, but the thread pool reads.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    writeFileSync(path, Buffer.alloc(info.end));
    expect((await valuesOf(ahead, 'x'))[999]).toBe(999);
  });

  it('fails only where the tensor is read', async () => {
    const info = await save('F32', new Float32Array(100), 100);
    await truncate(path, 100);
    const ahead = prefetch([info]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(ahead.read('x')).rejects.toBeInstanceOf(TruncatedFileError);
  });
});

/** Sums, sums of squares, first and last values, computed with torch or numpy. */
const known: [family: string, tensor: string, sum: number, squares: number, first: number, last: number][] = [
  ['llama-fp16', 'lm_head.weight', -3.2466793060302734, 39.54987109381, -0.302734375, -0.22802734375],
  ['llama-fp16', 'model.layers.1.mlp.down_proj.weight', -2.593082547187805, 25.919782965377706, -0.1336669921875, -0.042572021484375],
  ['llama-bf16-sharded', 'model.embed_tokens.weight', 3.1775760650634766, 42.10047658467738, 0.384765625, 0.017822265625],
  ['llama-bf16-sharded', 'lm_head.weight', 2.7319583892822266, 37.866363934856054, -0.205078125, 0.390625],
  ['llama-bf16-sharded', 'model.layers.1.mlp.down_proj.weight', -7.440996170043945, 23.06937800319065, 0.0208740234375, -0.06298828125],
  ['shared llama-fp16', 'lm_head.weight', 2.5697659254074097, 65.51404164900721, -0.18115234375, 0.1480712890625],
  ['shared llama-fp16', 'model.layers.1.mlp.down_proj.weight', 2.3555612564086914, 63.099346211315314, 0.0413818359375, 0.2298583984375],
  ['shared llama-bf16-sharded', 'model.embed_tokens.weight', 17.72398281097412, 70.68641793630832, -0.01544189453125, 0.10546875],
  ['shared llama-bf16-sharded', 'lm_head.weight', 5.882885098457336, 69.93487852416753, -0.01318359375, -0.125],
  ['shared llama-bf16-sharded', 'model.layers.1.mlp.down_proj.weight', 11.931365013122559, 62.38855850611162, 0.1640625, 0.26953125],
];
const folderOf = (family: string): string | undefined => goldenFamilies.find(({ name }) => name === family)?.folder;

it.each(known.filter(([family]) => folderOf(family) !== undefined))('reads the weights of %s: %s', async (family, name, sum, squares, first, last) => {
  const { tensors } = await openCheckpoint(folderOf(family) ?? '');
  const values = await readTensor(tensors.get(name) as TensorInfo);
  expect(values.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 9);
  expect(values.reduce((total, value) => total + value * value, 0)).toBeCloseTo(squares, 9);
  expect([values[0], values.at(-1)]).toEqual([first, last]);
});

it('includes weights of a committed checkpoint of every 16-bit dtype', () => {
  expect(known.filter(([family]) => folderOf(family) !== undefined).map(([family]) => family)).toEqual(expect.arrayContaining(['llama-fp16', 'llama-bf16-sharded']));
});
