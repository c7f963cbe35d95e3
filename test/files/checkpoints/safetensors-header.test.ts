import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as checkpoints from '../../../files/checkpoints/index.js';
import { entry, writeRaw } from './raw-file.js';

const { readSafetensorsHeader } = checkpoints;

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'header-'));
  path = join(folder, 'a.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

describe('readSafetensorsHeader', () => {
  it('returns tensors in the order of their bytes, at absolute offsets, and metadata', async () => {
    const header = JSON.stringify({
      second: entry([2], 4, 8, 'F16'), __metadata__: { format: 'pt' }, first: entry([], 0, 4), empty: entry([0, 7], 8, 8),
    }) + '   ';
    await writeRaw(path, header, 8);
    const { tensors, metadata, dataBegin } = await readSafetensorsHeader(path);
    const begin = 8 + header.length;
    expect([...tensors]).toEqual([
      ['first', { name: 'first', dtype: 'F32', shape: [], file: path, begin, end: begin + 4 }],
      ['second', { name: 'second', dtype: 'F16', shape: [2], file: path, begin: begin + 4, end: begin + 8 }],
      ['empty', { name: 'empty', dtype: 'F32', shape: [0, 7], file: path, begin: begin + 8, end: begin + 8 }],
    ]);
    expect(metadata).toEqual({ format: 'pt' });
    expect(dataBegin).toBe(begin);
  });

  it('accepts a file without tensors', async () => {
    expect((await readSafetensorsHeader(await writeRaw(path, {}))).tensors.size).toBe(0);
  });

  it.each<[string, keyof typeof checkpoints, RegExp, string | object, number]>([
    ['text that is not JSON', 'MalformedHeaderError', /the header is not JSON/, '{"a": ', 0],
    ['a JSON array', 'MalformedHeaderError', /not a JSON object/, '[]', 0],
    ['an entry without shape', 'MalformedHeaderError', /tensor a: its entry is/, { a: { dtype: 'F32', data_offsets: [0, 4] } }, 4],
    ['an entry that is a number', 'MalformedHeaderError', /tensor a: its entry is 1/, { a: 1 }, 0],
    ['a negative size', 'MalformedHeaderError', /tensor a/, { a: entry([-1], 0, 4) }, 4],
    ['a fractional offset', 'MalformedHeaderError', /tensor a/, { a: entry([1], 0, 4.5) }, 5],
    ['an offset beyond exact numbers', 'MalformedHeaderError', /tensor a/, '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,9007199254740993]}}', 1],
    ['three offsets', 'MalformedHeaderError', /tensor a/, { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, 8],
    ['metadata that are not strings', 'MalformedHeaderError', /__metadata__/, { __metadata__: { step: 7 } }, 0],
    ['a duplicate name', 'DuplicateNameError', /the name "a" twice/, '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', 2],
    ['a name twice, once escaped', 'DuplicateNameError', /the name "a" twice/, '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061" :{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1],
    ['a duplicate dtype', 'DuplicateNameError', /the name "dtype" twice/, '{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1],
    ['an unknown dtype', 'UnknownDtypeError', /tensor a: dtype Q4_0 is not known; expected one of .*BF16/, { a: entry([1], 0, 4, 'Q4_0') }, 4],
    ['a dtype named like a property of objects', 'UnknownDtypeError', /constructor/, { a: entry([1], 0, 4, 'constructor') }, 4],
    ['a size that is not shape times dtype', 'TensorSizeError', /tensor a: .* span 12 bytes; expected 8 for shape \[2\] in F32/, { a: entry([2], 0, 12) }, 12],
    ['a shape whose product is beyond exact numbers', 'TensorSizeError', /tensor a/, { a: entry([2 ** 32, 2 ** 32], 0, 8) }, 8],
    ['an end before the begin', 'OffsetRangeError', /\[4, 0\] end before they begin/, { a: entry([1], 4, 0) }, 4],
    ['an end beyond the file', 'OffsetRangeError', /\[0, 8\] reach beyond the 7 bytes/, { a: entry([2], 0, 8) }, 7],
    ['tensors that overlap', 'OverlappingTensorsError', /tensor b begins at byte .* before the end of tensor a/, { a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12],
    ['tensors at the same bytes', 'OverlappingTensorsError', /tensor b/, { a: entry([2], 0, 8), b: entry([2], 0, 8) }, 8],
    ['a hole', 'UnusedBytesError', /4 bytes between tensor a and tensor b/, { a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12],
    ['a hole after the header', 'UnusedBytesError', /4 bytes between the header and tensor a/, { a: entry([1], 4, 8) }, 8],
    ['bytes after the tensors', 'UnusedBytesError', /1 bytes after tensor a/, { a: entry([1], 0, 4) }, 5],
  ])('refuses %s', async (_, type, message, header, data) => {
    await writeRaw(path, header, data);
    const error: unknown = await readSafetensorsHeader(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(checkpoints[type]);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(path);
  });

  it('refuses a header that is not UTF-8', async () => {
    await writeFile(path, Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff]));
    await expect(readSafetensorsHeader(path)).rejects.toThrow('the header is not UTF-8');
  });

  it.each([0, 7])('refuses a file of %i bytes', async (size) => {
    await writeFile(path, Buffer.alloc(size));
    await expect(readSafetensorsHeader(path)).rejects.toThrow(`the file has ${size} bytes; expected at least 8`);
    await expect(readSafetensorsHeader(path)).rejects.toBeInstanceOf(checkpoints.TruncatedFileError);
  });

  it('refuses every truncation of a good file', async () => {
    await writeRaw(path, { a: entry([2], 0, 8) }, 8);
    for (let size = (await stat(path)).size - 1; size >= 0; size--) {
      await truncate(path, size);
      await expect(readSafetensorsHeader(path)).rejects.toThrow(/Truncated|truncated|the file has|damaged/);
    }
  });

  it.each([
    ['longer than the file', 200n, checkpoints.TruncatedFileError],
    ['of 10 GB', 10_000_000_000n, checkpoints.HeaderTooLargeError],
    ['of 2^64 - 1 bytes', 2n ** 64n - 1n, checkpoints.HeaderTooLargeError],
  ])('refuses a header %s and allocates nothing for it', async (_, announced, type) => {
    await writeRaw(path, '{}', 0, announced);
    const allocations = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;
    const spies = allocations.map((name) => vi.spyOn(Buffer, name));
    await expect(readSafetensorsHeader(path)).rejects.toBeInstanceOf(type);
    const sizes = spies.flatMap((spy) => spy.mock.calls.map(([size]) => size));
    vi.restoreAllMocks();
    expect(Math.max(...sizes)).toBe(8);
  });

  it('refuses a tensor of 10 GB in a small file and allocates nothing for it', async () => {
    await writeRaw(path, { a: entry([2_500_000_000], 0, 10_000_000_000) }, 16);
    const spy = vi.spyOn(Buffer, 'allocUnsafeSlow');
    await expect(readSafetensorsHeader(path)).rejects.toThrow('[0, 10000000000] reach beyond the 16 bytes');
    expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});
