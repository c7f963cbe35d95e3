import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OffsetRangeError, openCheckpoint, packBits, readTensorBytes, type TensorInfo } from '../../../files/checkpoints/index.js';
import {
  diffMasks, examineCheckpoint, MaskMismatchError, MaskProofError, modelDigest, openMaskSource, proveCheckpoint, violationText,
  type CheckpointRequest,
} from '../../../files/masks/index.js';
import { elementBytes, linearNames, linearShapes, makeModel, patchElement, saveCheckpoint, wordBytes, writeMask, type Dtype, type MadeModel } from './made-checkpoint.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'examine-'));
});
afterEach(() => rm(root, { recursive: true }));

const linear = 'model.layers.1.mlp.up_proj.weight';
const [, columns] = linearShapes[linear];
const place = (index: number) => `${linear}, row ${Math.floor(index / columns)}, column ${index % columns}`;

async function texts(request: CheckpointRequest): Promise<string[]> {
  return (await examineCheckpoint(request)).violations.listed.map(violationText);
}

async function denseBytes({ dense }: MadeModel, index: number, dtype: Dtype): Promise<Uint8Array> {
  const bytes = await readTensorBytes((await openCheckpoint(dense)).tensors.get(linear) as TensorInfo);
  return bytes.subarray(index * elementBytes(dtype), (index + 1) * elementBytes(dtype));
}

describe.each<[Dtype, boolean]>([['F32', false], ['F16', false], ['BF16', true]])('a checkpoint in %s, sharded: %s', (dtype, sharded) => {
  const make = () => makeModel(root, { dtype, sharded, metadata: { pattern: 'unstructured', values: 'dense' } });
  const all = ({ pruned, maskFile, dense }: MadeModel): CheckpointRequest => ({ checkpoint: pruned, maskFile, source: dense });

  it('passes as it was made, with counts verified by hand', async () => {
    const made = await make();
    const facts = await proveCheckpoint(all(made));
    for (const { name, zeros, weights, keptZeros, changed } of facts.linears) {
      const mask = made.masks[name];
      expect({ zeros, weights, keptZeros, changed }).toEqual({ zeros: mask.filter((kept) => kept === 0).length, weights: mask.length, keptZeros: { count: 0, first: [] }, changed: 0 });
    }
    expect(facts.linears.map(({ name }) => name).sort()).toEqual([...linearNames].sort());
    for (const { file, bytes, sha256 } of [...facts.files, facts.mask as { file: string; bytes: number; sha256: string }]) {
      const content = await readFile(file);
      expect({ bytes, sha256 }).toEqual({ bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
    }
    expect(facts.files).toHaveLength(sharded ? 4 : 2);
    const embeddings = await readTensorBytes((await openCheckpoint(made.pruned)).tensors.get('model.embed_tokens.weight') as TensorInfo);
    expect(facts.tensors['model.embed_tokens.weight']).toBe(createHash('sha256').update(embeddings).digest('hex'));
  });

  it('finds a zero that moved, with and without the dense model', async () => {
    const made = await make();
    const mask = made.masks[linear];
    const [pruned, kept] = [mask.lastIndexOf(0), mask.indexOf(1)];
    const dense = await denseBytes(made, kept, dtype);
    await patchElement(made.pruned, linear, pruned, dense);
    await patchElement(made.pruned, linear, kept, wordBytes(dtype, 'zero'));
    const found = await texts(all(made));
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(new RegExp(`^${place(kept)}: a kept weight is 0; expected -?0\\.\\d+, as in the dense model$`));
    expect(found[1]).toMatch(new RegExp(`^${place(pruned)}: a pruned weight is -?0\\.\\d+; expected 0$`));
    const alone = await examineCheckpoint({ ...all(made), source: undefined });
    expect(alone.violations.listed.map(violationText)).toEqual([found[1]]);
    expect(alone.keptZeros).toBe(1);
    expect(alone.linears.find(({ name }) => name === linear)?.keptZeros).toEqual({ count: 1, first: [[Math.floor(kept / columns), kept % columns]] });
  });

  it('accepts -0 for a pruned weight', async () => {
    const made = await make();
    await patchElement(made.pruned, linear, made.masks[linear].indexOf(0), wordBytes(dtype, '-zero'));
    expect(await texts(all(made))).toEqual([]);
  });

  it('accepts the largest finite number', async () => {
    const made = await make();
    await patchElement(made.pruned, linear, made.masks[linear].indexOf(1), wordBytes(dtype, 'largest'));
    expect(await texts({ checkpoint: made.pruned, maskFile: made.maskFile })).toEqual([]);
  });

  it.each(['nan', 'infinity'] as const)('finds %s in pruned weights, kept weights, or elsewhere', async (value) => {
    const made = await make();
    const text = value === 'nan' ? 'NaN' : '-Infinity';
    const kept = made.masks[linear].indexOf(1);
    const pruned = made.masks[linear].indexOf(0);
    await patchElement(made.pruned, linear, kept, wordBytes(dtype, value));
    await patchElement(made.pruned, linear, pruned, wordBytes(dtype, value));
    await patchElement(made.pruned, 'model.layers.1.input_layernorm.weight', 7, wordBytes(dtype, value));
    for (const request of [{ checkpoint: made.pruned, maskFile: made.maskFile }, { checkpoint: made.pruned }]) {
      const found = await texts(request);
      expect(found.sort()).toEqual([
        `${place(kept)}: a weight is ${text}; expected a finite number`,
        `${place(pruned)}: a weight is ${text}; expected a finite number`,
        `model.layers.1.input_layernorm.weight, element 7: a value is ${text}; expected a finite number`,
      ].sort());
    }
  });

  it('finds one flipped bit of a kept weight, unless kept weights are updated', async () => {
    const made = await make();
    const kept = made.masks[linear].lastIndexOf(1);
    const bytes = Uint8Array.from(await denseBytes(made, kept, dtype));
    bytes[0] ^= 1;
    await patchElement(made.pruned, linear, kept, bytes);
    const found = await texts(all(made));
    expect(found).toEqual([expect.stringMatching(new RegExp(`^${place(kept)}: a kept weight is (\\S+); expected (?!\\1,)\\S+, as in the dense model$`)) as string]);
    const updated = await proveCheckpoint({ ...all(made), values: 'updated' });
    expect(updated.changed).toBe(1);
  });

  it('finds one changed value of a tensor that is not pruned', async () => {
    const made = await make();
    await patchElement(made.pruned, 'model.embed_tokens.weight', 4 * 8 + 3, wordBytes(dtype, 'one'));
    expect(await texts(all(made))).toEqual([
      expect.stringMatching(/^model\.embed_tokens\.weight, row 4, column 3: a value is 1; expected -?0\.\d+, as in the dense model, because this tensor is not pruned$/) as string,
    ]);
  });

  it('names the tensor at which a file is truncated', async () => {
    const made = await make();
    const info = (await openCheckpoint(made.pruned)).tensors.get(linear) as TensorInfo;
    await truncate(info.file, info.end - 1);
    const failure = examineCheckpoint(all(made));
    await expect(failure).rejects.toBeInstanceOf(OffsetRangeError);
    await expect(failure).rejects.toThrow(`${info.file}, tensor `);
  });
});

describe('a tensor of many pieces', () => {
  it('is checked at the right places in every piece', { timeout: 120_000 }, async () => {
    // 18 MB of weights, and another tensor of the same size: more than the 16 MiB that are read at a time. Rows do not end at byte boundaries of the mask.
    const shape = [3001, 3001];
    const count = shape[0] * shape[1];
    const name = 'model.layers.0.mlp.up_proj.weight';
    const words = Uint16Array.from({ length: count }, (_, i) => 0x3c00 + (i % 997));
    const mask = Uint8Array.from({ length: count }, (_, i) => Number(Math.imul(i, 0x9e3779b1) >>> 31));
    const save = (folder: string, linearWords: Uint16Array) => saveCheckpoint(folder, [name, 'model.embed_tokens.weight'].map((tensor) =>
      ({ name: tensor, dtype: 'BF16', shape, data: new Uint8Array((tensor === name ? linearWords : words).buffer) })), false);
    const [dense, pruned, maskFile] = [join(root, 'dense'), join(root, 'pruned'), join(root, 'mask.safetensors')];
    await save(dense, words);
    await save(pruned, words.map((word, i) => (mask[i] === 1 ? word : 0)));
    await writeMask(maskFile, { [name]: mask }, {}, { [name]: shape });
    const request: CheckpointRequest = { checkpoint: pruned, maskFile, source: dense, values: 'dense' };
    const done: number[] = [];
    expect((await proveCheckpoint({ ...request, onProgress: (bytes) => done.push(bytes) })).zeros).toBe(mask.filter((kept) => kept === 0).length);
    const bare = await examineCheckpoint({ checkpoint: pruned });
    expect(bare.linears[0].maskSha256).toBe(createHash('sha256').update(packBits(mask)).digest('hex'));
    expect(done).toHaveLength(4);
    expect(done.at(-1)).toBe(4 * count);

    const [zero, one] = [mask.lastIndexOf(0), mask.lastIndexOf(1)];
    await patchElement(pruned, name, zero, wordBytes('BF16', 'one'));
    await patchElement(pruned, name, one, wordBytes('BF16', 'nan'));
    await patchElement(pruned, 'model.embed_tokens.weight', count - 2, wordBytes('BF16', 'zero'));
    const at = (index: number) => `row ${Math.floor(index / 3001)}, column ${index % 3001}`;
    const found = await texts(request);
    expect(found).toHaveLength(3);
    expect(found).toContain(`${name}, ${at(zero)}: a pruned weight is 1; expected 0`);
    expect(found).toContain(`${name}, ${at(one)}: a weight is NaN; expected a finite number`);
    expect(found).toContainEqual(expect.stringContaining(`model.embed_tokens.weight, ${at(count - 2)}: a value is 0; expected 0.0`));
  });
});

describe('N:M', () => {
  const keep = (_: string, row: number, column: number) => (row + column) % 4 < 2;
  const names = linearNames.filter((name) => linearShapes[name][1] % 4 === 0);
  const name = 'model.layers.1.self_attn.q_proj.weight';

  /** Only the linears with 32 inputs have a 2:4 mask. */
  async function make(metadata: Record<string, string>): Promise<MadeModel> {
    const made = await makeModel(root, { dtype: 'BF16', keep: (tensor, row, column) => (names.includes(tensor) ? keep(tensor, row, column) : true), metadata });
    await writeMask(made.maskFile, Object.fromEntries(names.map((its) => [its, made.masks[its]])), metadata);
    return made;
  }
  /** Sets a pruned weight to 1, so that its group has three non-zeros. */
  async function breakGroup(made: MadeModel): Promise<string> {
    await patchElement(made.pruned, name, 3 * 32 + 7, wordBytes('BF16', 'one'));
    expect(made.masks[name][3 * 32 + 7]).toBe(0);
    return `${name}, row 3, column 4: 3 of 4 weights are not zero from here on; expected at most 2, as the pattern 2:4 requires`;
  }

  it('is found without a mask, also beside unpruned linears, and a broken group is named', async () => {
    const made = await make({});
    expect(await proveCheckpoint({ checkpoint: made.pruned })).toMatchObject({ pattern: '2:4' });
    const text = await breakGroup(made);
    expect(await examineCheckpoint({ checkpoint: made.pruned })).toMatchObject({ pattern: '2:4' });
    expect(await texts({ checkpoint: made.pruned })).toEqual([text]);
  });

  it('must hold in every linear if it is given', async () => {
    const made = await make({});
    const text = await breakGroup(made);
    expect(await texts({ checkpoint: made.pruned, pattern: '2:4' })).toEqual([
      expect.stringContaining('13 inputs, which is not a multiple of 4') as string, expect.stringContaining('13 inputs') as string, text,
    ].sort((a) => (a === text ? 1 : -1)));
  });

  it('is checked if the mask states it, as are the zeros against the mask', async () => {
    const made = await make({ pattern: '2:4' });
    expect(await proveCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile })).toMatchObject({ pattern: '2:4' });
    await breakGroup(made);
    expect(await texts({ checkpoint: made.pruned, maskFile: made.maskFile })).toEqual([`${name}, row 3, column 7: a pruned weight is 1; expected 0`]);
    const broken = made.masks[name].slice();
    broken[3 * 32 + 7] = 1;
    await writeMask(made.maskFile, Object.fromEntries(names.map((its) => [its, its === name ? broken : made.masks[its]])), { pattern: '2:4' });
    expect(await texts({ checkpoint: made.pruned, maskFile: made.maskFile })).toEqual([
      `${name}, row 3, column 4: 3 of 4 weights are kept from here on; expected 2, as the pattern 2:4 requires`,
    ]);
  });
});

describe('a mask', () => {
  it('of another model is refused', async () => {
    const made = await makeModel(root, { dtype: 'F32', metadata: { model: 'ab'.repeat(32), values: 'dense' } });
    expect(await texts({ checkpoint: made.pruned, maskFile: made.maskFile, source: made.dense })).toEqual([
      `${made.maskFile}: the mask was made for the model with digest ${'ab'.repeat(32)}; expected ${await modelDigest(await openCheckpoint(made.dense))}, the digest of ${made.dense}`,
    ]);
    await writeMask(made.maskFile, { 'model.layers.7.q.weight': new Uint8Array(4) }, {}, { 'model.layers.7.q.weight': [2, 2] });
    await expect(examineCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile })).rejects.toBeInstanceOf(MaskMismatchError);
    await writeMask(made.maskFile, { ...made.masks, [linear]: new Uint8Array(40) }, {}, { ...linearShapes, [linear]: [5, 8] });
    expect((await texts({ checkpoint: made.pruned, maskFile: made.maskFile }))[0]).toBe(`${linear}: [7, 13] of F32 in the checkpoint; expected [5, 8] of F32, F16 or BF16, as the mask says`);
    await writeMask(made.maskFile, { ...made.masks, 'model.layers.2.mlp.up_proj.weight': new Uint8Array(91) });
    expect((await texts({ checkpoint: made.pruned, maskFile: made.maskFile }))[0]).toContain('model.layers.2.mlp.up_proj.weight: the mask has it, the checkpoint does not');
  });

  it('may omit the leading "model.", or have no metadata at all', async () => {
    const made = await makeModel(root, { dtype: 'F32' });
    const short = Object.fromEntries(Object.entries(made.masks).map(([name, mask]) => [name.replace('model.', ''), mask]));
    await writeMask(made.maskFile, short, { shapes: '{}' });
    await proveCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile, source: made.dense });
    await patchElement(made.pruned, linear, made.masks[linear].indexOf(0), wordBytes('F32', 'one'));
    await expect(proveCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile })).rejects.toBeInstanceOf(MaskProofError);
  });

  it('without a statement about values allows kept weights to differ, but not to become zero', async () => {
    const made = await makeModel(root, { dtype: 'F16' });
    const request = { checkpoint: made.pruned, maskFile: made.maskFile, source: made.dense };
    const kept = made.masks[linear].indexOf(1);
    await patchElement(made.pruned, linear, kept, wordBytes('F16', 'one'));
    expect(await proveCheckpoint(request)).toMatchObject({ changed: 1 });
    await patchElement(made.pruned, linear, kept, wordBytes('F16', 'zero'));
    expect(await texts(request)).toEqual([expect.stringContaining(`${place(kept)}: a kept weight is 0; expected`) as string]);
  });
});

describe('padding', () => {
  it('of a mask is reported, and counts as no weight', async () => {
    const made = await makeModel(root, { dtype: 'F32', metadata: { values: 'dense' } });
    // The mask has 91 bits, 3 of them in the last byte.
    await patchElement(made.maskFile, linear, 11, Uint8Array.of(packBits(made.masks[linear])[11] | 0x40));
    const facts = await examineCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile, source: made.dense });
    expect(facts).toMatchObject({ keptZeros: 0, changed: 0, violations: { count: 1 } });
    expect(violationText(facts.violations.listed[0])).toMatch(`${linear}: byte 11, the last one, is 0x4`);
    const [a, b] = [await openMaskSource(made.maskFile), await openMaskSource(made.pruned)];
    expect(await diffMasks(a, b)).toMatchObject({ grown: 0, pruned: 0 });
  });
});

describe('the dense model', () => {
  it('may omit a tied output projection', async () => {
    const made = await makeModel(root, { dtype: 'F32' });
    const tensors = await Promise.all([...(await openCheckpoint(made.dense)).tensors.values()].map(async (info) => ({ ...info, data: await readTensorBytes(info) })));
    const head = { name: 'lm_head.weight', dtype: 'F32', shape: [1], data: wordBytes('F32', 'one') };
    await saveCheckpoint(made.dense, [...tensors, head], false);
    expect(await texts({ checkpoint: made.pruned, source: made.dense })).toEqual([expect.stringMatching(/, lm_head\.weight: the dense model has it, the checkpoint does not/) as string]);
    await writeFile(join(made.pruned, 'config.json'), '{ "tie_word_embeddings": true }');
    expect(await texts({ checkpoint: made.pruned, source: made.dense })).toEqual([]);
  });

  it('has other tensors: each one that is missing, unknown or of another dtype is named', async () => {
    const made = await makeModel(root, { dtype: 'F32' });
    const other = await makeModel(join(root, 'other'), { dtype: 'BF16' });
    const found = await examineCheckpoint({ checkpoint: made.pruned, source: other.dense });
    expect(found.violations.count).toBe(7);
    expect(violationText(found.violations.listed[0])).toMatch(/of F32; expected \[.*\] of BF16, as in the dense model/);
  });
});
