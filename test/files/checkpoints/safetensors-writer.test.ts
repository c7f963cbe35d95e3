import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DuplicateNameError, readSafetensorsHeader, readTensorBytes, TensorSizeError, UnknownDtypeError, writeSafetensors, type TensorData,
} from '../../../files/checkpoints/index.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writer-'));
  path = join(folder, 'a.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

const sizes = { U8: 1, BF16: 2, F32: 4, I64: 8 };

const tensor = fc.record({
  name: fc.oneof(fc.string(), fc.constantFrom('1', '__proto__', 'a.b', 'ü"\n')).filter((name) => name !== '__metadata__'),
  dtype: fc.constantFrom(...Object.keys(sizes) as (keyof typeof sizes)[]),
  shape: fc.array(fc.nat(4), { maxLength: 3 }),
}).chain((rest) => {
  const bytes = rest.shape.reduce((a, b) => a * b, 1) * sizes[rest.dtype];
  return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((data): TensorData => ({ ...rest, data }));
});
const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 });
const metadata = fc.dictionary(fc.string().filter((key) => key !== '__proto__'), fc.string(), { maxKeys: 3, noNullPrototype: true });

describe('writeSafetensors', () => {
  it('writes what the reader reads, with each tensor aligned to its elements', async () => {
    await fc.assert(fc.asyncProperty(tensors, metadata, async (written, notes) => {
      await writeSafetensors(path, written, notes);
      const header = await readSafetensorsHeader(path);
      expect(header.metadata).toEqual(notes);
      expect(header.tensors.size).toBe(written.length);
      expect(header.dataBegin % 8).toBe(0);
      for (const { name, dtype, shape, data } of written) {
        const info = header.tensors.get(name);
        if (info === undefined) expect.fail(`${name} is missing`);
        expect([info.dtype, info.shape]).toEqual([dtype, shape]);
        expect(info.begin % sizes[dtype as keyof typeof sizes]).toBe(0);
        expect(new Uint8Array(await readTensorBytes(info))).toEqual(data);
      }
    }), { numRuns: 50 });
  });

  it('gives the same bytes for the same tensors in any order', async () => {
    await fc.assert(fc.asyncProperty(tensors, metadata, async (written, notes) => {
      const one = await writeSafetensors(path, written, notes);
      const other = await writeSafetensors(path, [...written].reverse(), Object.fromEntries(Object.entries(notes).reverse()));
      expect(other).toEqual(one);
    }), { numRuns: 50 });
  });

  it('writes exactly these bytes, and returns their number and digest', async () => {
    const data = { dtype: 'U8', shape: [1], data: Uint8Array.of(7) };
    const result = await writeSafetensors(path, [{ name: 'b', ...data }, { name: 'a', ...data }], { format: 'mask' });
    const header = '{"__metadata__":{"format":"mask"},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    const content = await readFile(path);
    expect(content.toString('latin1')).toBe(`${String.fromCharCode(padded.length, 0, 0, 0, 0, 0, 0, 0)}${padded}\x07\x07`);
    expect(result).toEqual({ bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
  });

  it('keeps the given order if asked to', async () => {
    const data = { dtype: 'U8', shape: [1], data: Uint8Array.of(7) };
    await writeSafetensors(path, [{ name: 'b', ...data }, { name: 'a', ...data }], {}, { order: 'given' });
    expect([...(await readSafetensorsHeader(path)).tensors.keys()]).toEqual(['b', 'a']);
  });

  it('calls a function for the data of its tensor only when its turn comes, and writes the same bytes', async () => {
    const tensors = ['b', 'a'].map((name) => ({ name, dtype: 'U8', shape: [3], data: Uint8Array.from([1, 2, name.charCodeAt(0)]) }));
    const { sha256 } = await writeSafetensors(path, tensors);
    const asked: string[] = [];
    const late = tensors.map(({ name, data, ...rest }) => ({ name, ...rest, data: () => Promise.resolve((asked.push(name), data)) }));
    expect(await writeSafetensors(path, late)).toMatchObject({ sha256 });
    expect(asked).toEqual(['a', 'b']);
  });

  it('refuses what no reader would accept, and leaves no file', async () => {
    const good = { name: 'a', dtype: 'F32', shape: [1], data: new Uint8Array(4) };
    await expect(writeSafetensors(path, [good, good])).rejects.toBeInstanceOf(DuplicateNameError);
    await expect(writeSafetensors(path, [{ ...good, shape: [2] }])).rejects.toBeInstanceOf(TensorSizeError);
    await expect(writeSafetensors(path, [{ ...good, shape: [2], data: () => Promise.resolve(good.data) }])).rejects.toBeInstanceOf(TensorSizeError);
    await expect(writeSafetensors(path, [{ ...good, dtype: 'F33' }])).rejects.toBeInstanceOf(UnknownDtypeError);
    expect(await readdir(folder)).toEqual([]);
  });
});
