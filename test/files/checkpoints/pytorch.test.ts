import { existsSync, truncateSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint, PytorchFileError, readSafetensorsHeader, readStateDict, readTensorBytes, writePrunedCheckpoint } from '../../../files/checkpoints/index.js';
import { pickle, stateDict, storage, tensor, writeArchive } from './archive.js';

const golden = join(import.meta.dirname, '../../golden/pytorch');

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'pytorch-')); });
afterEach(() => rm(folder, { recursive: true }));

const messageOf = async (path: string): Promise<string> => {
  const error: unknown = await readStateDict(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PytorchFileError);
  return (error as Error).message;
};

describe('a state dict written by torch', () => {
  it('has the tensors that torch reads, byte for byte', async () => {
    const expected = (await readSafetensorsHeader(join(golden, 'tensors.safetensors'))).tensors;
    const found = await readStateDict(join(golden, 'tensors.bin'));
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, info] of found) {
      const wanted = expected.get(name)!;
      expect([name, info.dtype, info.shape]).toEqual([name, wanted.dtype, wanted.shape]);
      expect((await readTensorBytes(info)).equals(await readTensorBytes(wanted)), name).toBe(true);
    }
  });

  it('may share bytes between tensors, and use part of a storage', async () => {
    const found = await readStateDict(join(golden, 'tensors.bin'));
    const [whole, tied, rows] = ['whole', 'tied', 'rows'].map((name) => found.get(name)!);
    expect([tied.begin, tied.end]).toEqual([whole.begin, whole.end]);
    expect(rows.begin).toBe(whole.begin + 2 * 4 * 4);
  });

  it.each([
    ['transposed.bin', /tensor w: its strides are \[1, 2\] for shape \[2, 3\]; expected a contiguous tensor/],
    ['legacy.bin', /not a zip archive.*torch 1\.6 or later.*torch\.save\(torch\.load\(path, weights_only=True\), path\)/],
    ['nested.bin', /tensor model: it is not a tensor; expected a state dict of tensors only/],
    ['module.bin', /the pickle imports "torch\.nn\.modules\.linear\.Linear", which a state dict does not need; no code from it was executed/],
  ])('is refused if it contains something else: %s', async (file, message) => {
    expect(await messageOf(join(golden, file))).toMatch(message);
  });
});

describe('a model folder of PyTorch weights', () => {
  const opt = join(golden, 'opt');

  it('opens by its index', async () => {
    const checkpoint = await openCheckpoint(opt);
    expect(checkpoint.format.kind).toBe('pytorch');
    expect(checkpoint.weightFiles.map((file) => file.slice(opt.length + 1))).toEqual(['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin']);
    expect(checkpoint.tensors.get('model.decoder.layers.1.fc1.weight')).toMatchObject({ dtype: 'F16', shape: [24, 16] });
  });

  it('is not read if there are safetensors beside it', async () => {
    for (const name of await readdir(opt)) await copyFile(join(opt, name), join(folder, name));
    await copyFile(join(golden, 'tensors.safetensors'), join(folder, 'model.safetensors'));
    expect((await openCheckpoint(folder)).tensors.has('f32')).toBe(true);
  });

  it('is written as safetensors with the same tensors, and their masks', async () => {
    const source = await openCheckpoint(opt);
    const pruned = 'model.decoder.layers.1.fc1.weight';
    const target = join(folder, 'pruned');
    // Every other weight is kept.
    await writePrunedCheckpoint({ source, target, keptBits: (name) => Promise.resolve(name === pruned ? new Uint8Array(24 * 16 / 8).fill(0b01010101) : undefined) });
    expect(await readdir(target)).toEqual([
      'config.json', 'generation_config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json',
    ]);
    const written = await openCheckpoint(target);
    expect([...written.tensors.keys()].sort()).toEqual([...source.tensors.keys()].sort());
    for (const [name, info] of written.tensors) {
      const bytes = await readTensorBytes(source.tensors.get(name)!);
      if (name === pruned) for (let i = 1; i < bytes.length / 2; i += 2) bytes.writeUInt16LE(0, 2 * i);
      expect((await readTensorBytes(info)).equals(bytes), name).toBe(true);
    }
    const { metadata } = await readSafetensorsHeader(written.weightFiles[0]);
    expect(metadata).toEqual({ format: 'pt' });
    // Writing again changes nothing.
    const before = await readFile(written.weightFiles[1]);
    await writePrunedCheckpoint({ source, target, keptBits: () => Promise.resolve(undefined) });
    expect((await readFile(written.weightFiles[1])).length).toBe(before.length);
  });
});

describe('a malicious file', () => {
  const file = (): string => join(folder, 'x.bin');
  const numbers = Buffer.alloc(8);
  const save = (text: string, more: Record<string, Buffer | string> = {}): Promise<string> =>
    writeArchive(file(), { 'x/data.pkl': Buffer.from(text, 'latin1'), 'x/data/0': numbers, 'x/version': '3\n', ...more });
  const good = stateDict(tensor(storage(2)));
  const proof = join(tmpdir(), `pickle-was-run-${process.pid}`);

  it('is read if nothing is wrong with it', async () => {
    await save(good);
    expect((await readStateDict(file())).get('w')).toMatchObject({ dtype: 'F32', shape: [2] });
  });

  it.each<[string, string, RegExp]>([
    ['calls the system', stateDict(pickle.global('posix', 'system') + pickle.mark + pickle.text(`touch ${proof}`) + pickle.tuple + pickle.reduce), /imports "posix\.system"/],
    ['evaluates', stateDict(pickle.global('builtins', 'eval') + pickle.mark + pickle.text('1') + pickle.tuple + pickle.reduce), /imports "builtins\.eval"/],
    ['asks for a global by name on the stack', stateDict(`${pickle.text('os')}${pickle.text('system')}\x93`), /imports "os\.system"/],
    ['makes an object of a class (INST)', `${pickle.proto}(ios\nsystem\n.`, /opcode 0x69 at byte 3/],
    ['makes an object of a class (OBJ)', `${pickle.proto}(o.`, /opcode 0x6f/],
    ['makes an object of a class (NEWOBJ)', `${pickle.proto}${pickle.emptyDict}${pickle.emptyTuple}\x81.`, /opcode 0x81/],
    ['asks for an extension', `${pickle.proto}\x82\x01.`, /opcode 0x82/],
    ['calls a value that is not a function', stateDict(`${pickle.text('x')}${pickle.emptyTuple}${pickle.reduce}`), /byte \d+ of the pickle calls a value that is not a function/],
    ['calls a storage as if it were a tensor', stateDict(pickle.global('torch', 'FloatStorage') + pickle.emptyTuple + pickle.reduce), /it is not a tensor/],
    ['announces a text longer than itself', `${pickle.proto}X\xff\xff\xff\x7f`, /2147483647 bytes must follow byte 7/],
    ['announces a huge number', `${pickle.proto}\x8a\xff${'\x01'.repeat(255)}.`, /a number of 255 bytes/],
    ['ends early', good.slice(0, -1), /the pickle ends at byte/],
    ['takes from an empty stack', `${pickle.proto}${pickle.setItem}.`, /a value is missing/],
    ['has no mark', `${pickle.proto}${pickle.tuple}.`, /a mark is missing/],
    ['reads a value that was never stored', `${pickle.proto}${pickle.get(7)}.`, /reads value 7, which has not been stored/],
    ['contains itself', `${pickle.proto}${pickle.emptyDict}${pickle.put(0)}${pickle.text('w')}${pickle.get(0)}${pickle.setItem}.`, /tensor w: it is not a tensor/],
    ['is a list that contains itself', `${pickle.proto}${pickle.emptyList}${pickle.put(0)}${pickle.get(0)}${pickle.append}.`, /does not hold a dictionary/],
    ['never ends', `${pickle.proto}${pickle.none.repeat(4_000_001)}.`, /more than 4000000 opcodes/],
    ['has another protocol', '\x80\x07}.', /protocol 7/],
    ['has a tensor beyond its storage', stateDict(tensor(storage(2), { shape: [3] })), /ends at element 3, but its storage has only 2 elements/],
    ['has a tensor that begins beyond its storage', stateDict(tensor(storage(2), { offset: 2 })), /ends at element 4, but its storage has only 2 elements/],
    ['has a shape whose product is not a number', stateDict(tensor(storage(2), { shape: [2147483647, 2147483647, 2147483647], strides: [1, 1, 1] })), /strides/],
    ['has a negative size', stateDict(tensor(storage(2), { shape: [-2] })), /not whole numbers of 0 or more/],
    ['has fewer strides than sizes', stateDict(tensor(storage(2), { shape: [1, 2] })), /not whole numbers of 0 or more/],
    ['has a storage larger than its bytes', stateDict(tensor(storage(1000))), /has 8 bytes, but 1000 elements in F32 need 4000/],
    ['has a storage elsewhere in the archive', stateDict(tensor(storage(2, '../version'))), /the archive has no x\/data\/\.\.\/version/],
    ['has a storage that is not there', stateDict(tensor(storage(2, '9'))), /the archive has no x\/data\/9/],
    ['has a storage of an unknown type', stateDict(tensor(storage(2, '0', 'ComplexFloatStorage'))), /imports "torch\.ComplexFloatStorage"/],
    ['has a key that is no text', `${pickle.proto}${pickle.emptyDict}${pickle.int(1)}${tensor(storage(2))}${pickle.setItem}.`, /a key of the state dict is not text/],
  ])('that %s is refused with a one-sentence message', async (_, text, message) => {
    await save(text);
    const said = await messageOf(file());
    expect(said).toMatch(message);
    expect(said).not.toContain('\n');
    expect(existsSync(proof)).toBe(false);
  });

  it('with a compressed member, two pickles, none, another byte order, or a nested archive is refused', async () => {
    await writeArchive(file(), { 'x/data.pkl': Buffer.from(good, 'latin1'), 'x/data/0': numbers }, { compress: true });
    expect(await messageOf(file())).toMatch(/member x\/data\.pkl: it is compressed or encrypted/);
    await save(good, { 'y/data.pkl': '.' });
    expect(await messageOf(file())).toMatch(/2 members named FOLDER\/data\.pkl/);
    await writeArchive(file(), { 'x/data/0': numbers });
    expect(await messageOf(file())).toMatch(/0 members named FOLDER\/data\.pkl/);
    await save(good, { 'x/byteorder': 'big' });
    expect(await messageOf(file())).toMatch(/byte order is "big"/);
    await save(good);
    const inner = await readFile(file());
    await writeArchive(file(), { 'x/y/inner.bin': inner });
    expect(await messageOf(file())).toMatch(/0 members named FOLDER\/data\.pkl/);
  });

  it('with wrong lengths of members, or cut short, is refused', async () => {
    await save(good);
    const bytes = await readFile(file());
    // Change both sizes of the member data/0 in the archive's directory.
    const entry = bytes.lastIndexOf('x/data/0') - 46;
    for (const [stored, real] of [[1 << 30, 1 << 30], [8, 1 << 30], [4, 4]]) {
      const changed = Buffer.from(bytes);
      changed.writeUInt32LE(stored, entry + 20);
      changed.writeUInt32LE(real, entry + 24);
      await writeFile(file(), changed);
      expect(await messageOf(file())).toMatch(/x\.bin/);
    }
    for (const length of [0, 10, bytes.length >> 1, bytes.length - 1]) {
      await writeFile(file(), bytes);
      truncateSync(file(), length);
      expect(await messageOf(file())).toMatch(/x\.bin/);
    }
  });
});
