import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  MaskSizeError, openCheckpoint, packBits, readTensorBytes, TargetIsSourceError, UnsupportedDtypeError, writePrunedCheckpoint, writeSafetensors,
  type Checkpoint, type TensorInfo,
} from '../../../files/checkpoints/index.js';
import { MissingConfigError } from '../../../files/checkpoints/errors.js';

let root: string;
let source: string;
let target: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pruned-'));
  source = join(root, 'source');
  target = join(root, 'deep', 'target');
  await mkdir(source);
});
afterEach(() => rm(root, { recursive: true }));

/** Bits of all kinds, including negative zero, NaN and infinity. */
const half = Uint16Array.of(0x8000, 0x7e01, 0x7c00, 0x0001, 0x3c00, 0xbc00, 0x1234, 0xffff, 0x5555, 0xaaaa, 0x0f0f);
const single = Uint32Array.of(0x80000000, 0x7fc00001, 0x3f800000, 1, 0xffffffff, 0x12345678);
const keptHalf = Uint8Array.of(1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1);
const keptSingle = Uint8Array.of(1, 0, 0, 1, 1, 0);

async function saveSource(): Promise<Checkpoint> {
  const bytes = (data: ArrayBufferView) => new Uint8Array(data.buffer);
  await writeSafetensors(join(source, 'model-1.safetensors'), [
    { name: 'z.weight', dtype: 'F16', shape: [1, 11], data: bytes(half) },
    { name: 'counts', dtype: 'I64', shape: [1], data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
    { name: 'a.weight', dtype: 'BF16', shape: [11], data: bytes(half) },
  ], { format: 'pt', note: 'kept' }, { order: 'given' });
  await writeSafetensors(join(source, 'model-2.safetensors'), [{ name: 'b.weight', dtype: 'F32', shape: [2, 3], data: bytes(single) }]);
  const weightMap = { 'z.weight': 'model-1.safetensors', counts: 'model-1.safetensors', 'a.weight': 'model-1.safetensors', 'b.weight': 'model-2.safetensors' };
  await writeFile(join(source, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
  await writeFile(join(source, 'config.json'), '{ "model_type": "llama" }\n');
  return openCheckpoint(source);
}

const masks: Record<string, Uint8Array> = { 'z.weight': packBits(keptHalf), 'b.weight': packBits(keptSingle) };
const keptBits = (name: string) => Promise.resolve(masks[name]);
const words16 = (bytes: Buffer) => [...new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)];

describe('writePrunedCheckpoint', () => {
  it('sets pruned weights to +0 and changes no other byte', async () => {
    const checkpoint = await saveSource();
    const shards: number[][] = [];
    await writePrunedCheckpoint({ source: checkpoint, target, keptBits, onShard: (done, total) => shards.push([done, total]) });
    const pruned = await openCheckpoint(target);
    const read = (name: string) => readTensorBytes(pruned.tensors.get(name) as TensorInfo);
    expect(words16(await read('z.weight'))).toEqual([...half].map((word, i) => (keptHalf[i] ? word : 0)));
    expect(words16(await read('a.weight'))).toEqual([...half]);
    const b = await read('b.weight');
    expect([...new Uint32Array(b.buffer, b.byteOffset, 6)]).toEqual([...single].map((word, i) => (keptSingle[i] ? word : 0)));
    expect(shards).toEqual([[1, 2], [2, 2]]);
    for (const file of checkpoint.weightFiles) {
      const copy = await readFile(join(target, basename(file)));
      const original = await readFile(file);
      const { begin, end } = (basename(file) === 'model-1.safetensors' ? checkpoint.tensors.get('z.weight') : checkpoint.tensors.get('b.weight')) as TensorInfo;
      copy.fill(0, begin, end);
      original.fill(0, begin, end);
      expect(copy.equals(original)).toBe(true);
    }
  });

  it('copies the files of a model, also through links, and no weights of other formats', async () => {
    const checkpoint = await saveSource();
    const wanted = [
      'LICENSE', 'NOTICE.txt', 'README.md', 'USE_POLICY', 'chat_template.jinja', 'generation_config.json', 'merges.txt',
      'special_tokens_map.json', 'tokenizer.json', 'tokenizer.model', 'tokenizer_config.json', 'vocab.json',
    ];
    const unwanted = ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'model.gguf', 'tf_model.h5', 'expected.safetensors', 'flax_model.msgpack'];
    for (const name of [...wanted, ...unwanted]) await writeFile(join(source, name), `this is ${name}`);
    await writeFile(join(root, 'blob'), 'this is added_tokens.json');
    await symlink(join(root, 'blob'), join(source, 'added_tokens.json'));
    await mkdir(join(source, 'folder.json'));
    await writePrunedCheckpoint({ source: checkpoint, target, keptBits });
    const weights = ['config.json', 'model-1.safetensors', 'model-2.safetensors', 'model.safetensors.index.json'];
    expect((await readdir(target)).sort()).toEqual([...wanted, ...weights, 'added_tokens.json'].sort());
    for (const name of [...wanted, 'added_tokens.json']) expect(await readFile(join(target, name), 'utf8')).toBe(`this is ${name}`);
  });

  it('writes no index beside a single file, even if the source has one', async () => {
    await writeSafetensors(join(source, 'model.safetensors'), [{ name: 'b.weight', dtype: 'F32', shape: [2, 3], data: new Uint8Array(single.buffer) }]);
    await writeFile(join(source, 'config.json'), '{}');
    await writeFile(join(source, 'model.safetensors.index.json'), '{"weight_map": {"b.weight": "model-00001-of-00002.safetensors"}}');
    await writePrunedCheckpoint({ source: await openCheckpoint(source), target, keptBits });
    expect((await readdir(target)).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it('omits from the index what no shard has', async () => {
    await saveSource();
    const file = 'model.safetensors.index.json';
    const index = JSON.parse(await readFile(join(source, file), 'utf8')) as { weight_map: Record<string, string> };
    await writeFile(join(source, file), JSON.stringify({ metadata: { total_size: 76 }, weight_map: { ...index.weight_map, gone: 'model-1.safetensors' } }));
    await writePrunedCheckpoint({ source: await openCheckpoint(source), target, keptBits });
    expect(JSON.parse(await readFile(join(target, file), 'utf8'))).toEqual({ metadata: { total_size: 76 }, ...index });
  });

  it('continues after an interruption: keeps correct files, rewrites wrong ones, removes partial ones', async () => {
    const checkpoint = await saveSource();
    await expect(writePrunedCheckpoint({
      source: checkpoint, target,
      keptBits: (name) => (name === 'b.weight' ? Promise.reject(new Error('killed')) : keptBits(name)),
    })).rejects.toThrow('killed');
    expect(await readdir(target)).toEqual(['model-1.safetensors']);
    const first = await stat(join(target, 'model-1.safetensors'));
    await writeFile(join(target, '.model-2.safetensors.0123456789abcdef.partial'), 'half');

    await writePrunedCheckpoint({ source: checkpoint, target, keptBits });
    expect((await stat(join(target, 'model-1.safetensors'))).ino).toBe(first.ino);
    expect((await readdir(target)).filter((name) => name.endsWith('.partial'))).toEqual([]);
    const whole = await Promise.all((await readdir(target)).map((name) => readFile(join(target, name))));

    // One file has a wrong byte, one is too short, one too long. Each is written again.
    const file = join(target, 'model-1.safetensors');
    const bytes = await readFile(file);
    bytes[bytes.length - 1] ^= 1;
    await writeFile(file, bytes);
    await truncate(join(target, 'model-2.safetensors'), 20);
    await writeFile(join(target, 'config.json'), '{ "model_type": "llama" }\n and more');
    await writePrunedCheckpoint({ source: checkpoint, target, keptBits });
    expect(await Promise.all((await readdir(target)).map((name) => readFile(join(target, name))))).toEqual(whole);
  });

  it('removes weights and tokenizer of an earlier checkpoint that loaders would read, and nothing else', async () => {
    const checkpoint = await saveSource();
    await mkdir(target, { recursive: true });
    const old = { name: 'b.weight', dtype: 'F32', shape: [2, 3], data: new Uint8Array(24) } as const;
    for (const name of ['model.safetensors', 'pytorch_model.bin', 'model-00001-of-00003.safetensors', 'adapter.safetensors']) await writeSafetensors(join(target, name), [old]);
    await writeFile(join(target, 'pytorch_model.bin.index.json'), '{}');
    await writeFile(join(target, 'notes.txt'), 'mine');
    await writeFile(join(target, 'added_tokens.json'), '{}');
    await writePrunedCheckpoint({ source: checkpoint, target, keptBits });
    expect((await readdir(target)).sort()).toEqual(['adapter.safetensors', 'config.json', 'model-1.safetensors', 'model-2.safetensors', 'model.safetensors.index.json', 'notes.txt']);
    expect((await openCheckpoint(target)).tensors.get('b.weight')?.file).toBe(join(target, 'model-2.safetensors'));
  });

  it.each(['the same names', 'a single file'])('leaves no mixture with an earlier checkpoint of %s if it is interrupted, and repeats', async (kind) => {
    const checkpoint = await saveSource();
    if (kind === 'the same names') await writePrunedCheckpoint({ source: checkpoint, target, keptBits: () => Promise.resolve(undefined) });
    else {
      await writeSafetensors(join(root, 'old', 'model.safetensors'), [{ name: 'b.weight', dtype: 'F32', shape: [2, 3], data: new Uint8Array(24) }]);
      await writeFile(join(root, 'old', 'config.json'), '{ "model_type": "opt" }');
      await writePrunedCheckpoint({ source: await openCheckpoint(join(root, 'old')), target, keptBits: () => Promise.resolve(undefined) });
    }
    await openCheckpoint(target);
    await expect(writePrunedCheckpoint({ source: checkpoint, target, keptBits, onShard: () => { throw new Error('killed'); } })).rejects.toThrow('killed');
    await expect(openCheckpoint(target)).rejects.toThrow(MissingConfigError);
    await writePrunedCheckpoint({ source: checkpoint, target, keptBits });
    expect((await readdir(target)).sort()).toEqual(['config.json', 'model-1.safetensors', 'model-2.safetensors', 'model.safetensors.index.json']);
    expect((await openCheckpoint(target)).config).toEqual(checkpoint.config);
  });

  it('changes nothing in a folder that is right already', async () => {
    const checkpoint = await saveSource();
    await writePrunedCheckpoint({ source: checkpoint, target, keptBits });
    const inodes = async () => Promise.all((await readdir(target)).sort().map(async (name) => (await stat(join(target, name))).ino));
    const before = await inodes();
    await writePrunedCheckpoint({ source: checkpoint, target, keptBits });
    expect(await inodes()).toEqual(before);
  });

  it('writes config.json only after all weights', async () => {
    const checkpoint = await saveSource();
    await writePrunedCheckpoint({
      source: checkpoint, target, keptBits,
      onShard: () => expect(existsSync(join(target, 'config.json'))).toBe(false),
    });
    expect(existsSync(join(target, 'config.json'))).toBe(true);
  });

  it('cuts large tensors into pieces that fit their masks', async () => {
    // 40 million weights are 80 MB, more than one piece of 64 MiB.
    const count = 40_000_003;
    const weights = new Uint16Array(count).map((_, i) => (i * 7 + 1) & 0xffff);
    const kept = new Uint8Array(count).map((_, i) => (Math.imul(i, 0x9e3779b1) >>> 31));
    await writeSafetensors(join(source, 'model.safetensors'), [{ name: 'w', dtype: 'BF16', shape: [count], data: new Uint8Array(weights.buffer) }]);
    await writeFile(join(source, 'config.json'), '{}');
    const bits = packBits(kept);
    await writePrunedCheckpoint({ source: await openCheckpoint(source), target, keptBits: () => Promise.resolve(bits) });
    const bytes = await readTensorBytes((await openCheckpoint(target)).tensors.get('w') as TensorInfo);
    const expected = weights.map((word, i) => (kept[i] ? word : 0));
    expect(bytes.equals(Buffer.from(expected.buffer))).toBe(true);
  });

  it('never writes over its source', async () => {
    const checkpoint = await saveSource();
    await symlink(source, join(root, 'link'));
    const before = await readFile(checkpoint.weightFiles[0]);
    await expect(writePrunedCheckpoint({ source: checkpoint, target: join(root, 'link'), keptBits })).rejects.toBeInstanceOf(TargetIsSourceError);
    expect(await readFile(checkpoint.weightFiles[0])).toEqual(before);
  });

  it('refuses masks that do not fit', async () => {
    const checkpoint = await saveSource();
    const write = (wrong: string, bits: Uint8Array) =>
      writePrunedCheckpoint({ source: checkpoint, target, keptBits: (name) => Promise.resolve(name === wrong ? bits : undefined) });
    await expect(write('z.weight', new Uint8Array(3))).rejects.toThrow(/tensor z\.weight: the mask has 3 bytes; expected 2 for 11 weights/);
    await expect(write('z.weight', new Uint8Array(1))).rejects.toBeInstanceOf(MaskSizeError);
    await expect(write('counts', new Uint8Array(1))).rejects.toBeInstanceOf(UnsupportedDtypeError);
  });
});
