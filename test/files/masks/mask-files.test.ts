import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint, packBits, TargetIsSourceError, unpackBits, writeSafetensors } from '../../../files/checkpoints/index.js';
import {
  applyMask, composeMasks, describeMasks, diffMasks, examineMask, jaccard, MaskFileError, MaskMismatchError, MaskShapesMissingError, modelDigest,
  openMaskFile, openMaskSource, OutputExistsError, readPackedMask, UpdatedValuesError,
} from '../../../files/masks/index.js';
import { linearNames, linearShapes, makeModel, writeMask, type Dtype } from './made-checkpoint.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'masks-'));
});
afterEach(() => rm(root, { recursive: true }));

const file = (name: string) => join(root, `${name}.safetensors`);
const masksOf = (bytes: Record<string, Uint8Array>, metadata: Record<string, string> = {}) => async (name: string): Promise<string> => {
  await writeMask(file(name), bytes, metadata);
  return file(name);
};
const sizes = linearNames.map((name) => linearShapes[name][0] * linearShapes[name][1]);
const anyMasks = fc.tuple(...sizes.map((size) => fc.uint8Array({ minLength: size, maxLength: size, max: 1 })))
  .map((masks) => Object.fromEntries(masks.map((mask, i) => [linearNames[i], mask])));

async function readBack(path: string): Promise<Record<string, Uint8Array>> {
  const mask = await openMaskFile(path);
  const entries = await Promise.all(mask.linears.map(async (entry) => [entry.name, unpackBits((await readPackedMask(mask, entry)).bits, sizes[linearNames.indexOf(entry.name)])] as const));
  return Object.fromEntries(entries);
}

describe('diffMasks', () => {
  it('counts correctly, as verified by hand', async () => {
    await fc.assert(fc.asyncProperty(anyMasks, anyMasks, async (a, b) => {
      const diff = await diffMasks(await openMaskSource(await masksOf(a)('a')), await openMaskSource(await masksOf(b)('b')));
      for (const linear of diff.linears) {
        const pairs = [...a[linear.name]].map((inA, i) => [inA, b[linear.name][i]]);
        const count = (inA: number, inB: number) => pairs.filter(([x, y]) => x === inA && y === inB).length;
        expect(linear).toMatchObject({ weights: pairs.length, grown: count(0, 1), pruned: count(1, 0), keptA: count(1, 0) + count(1, 1), keptB: count(0, 1) + count(1, 1) });
        const union = count(1, 0) + count(0, 1) + count(1, 1);
        expect(jaccard(linear)).toBe(union === 0 ? 1 : count(1, 1) / union);
      }
      expect(diff.grown).toBe(diff.linears.reduce((sum, { grown }) => sum + grown, 0));
    }), { numRuns: 25 });
  });

  it('compares a mask with the zeros of a checkpoint, and names linears that only one of them has', async () => {
    const made = await makeModel(root, { dtype: 'BF16' });
    expect(await diffMasks(await openMaskSource(made.maskFile), await openMaskSource(made.pruned))).toMatchObject({ grown: 0, pruned: 0, onlyInA: [], onlyInB: [] });
    const [first, ...rest] = linearNames;
    const fewer = await masksOf(Object.fromEntries(rest.map((name) => [name, made.masks[name]])))('fewer');
    expect(await diffMasks(await openMaskSource(made.maskFile), await openMaskSource(fewer))).toMatchObject({ grown: 0, pruned: 0, onlyInA: [first] });
    await writeMask(file('foreign'), { 'layers.9.w': new Uint8Array(8) }, {}, {});
    await expect(diffMasks(await openMaskSource(made.maskFile), await openMaskSource(file('foreign')))).rejects.toThrow('the two masks have no linear in common');
  });
});

describe('composeMasks', () => {
  it.each(['all', 'any'] as const)('keeps the weights that %s keep', async (keep) => {
    await fc.assert(fc.asyncProperty(anyMasks, anyMasks, anyMasks, async (a, b, c) => {
      const paths = [await masksOf(a)('a'), await masksOf(b)('b'), await masksOf(c)('c')];
      await composeMasks({ sources: await Promise.all(paths.map((path) => openMaskSource(path))), keep, target: file('out'), overwrite: true });
      const composed = await readBack(file('out'));
      for (const name of linearNames) {
        const expected = a[name].map((kept, i) => Number(keep === 'all' ? kept && b[name][i] && c[name][i] : kept || b[name][i] || c[name][i]));
        expect(composed[name]).toEqual(expected);
      }
    }), { numRuns: 10 });
  });

  it('takes the mask of a checkpoint', async () => {
    const made = await makeModel(root, { dtype: 'F16', metadata: { pattern: 'unstructured' } });
    await composeMasks({ sources: [await openMaskSource(made.pruned)], keep: 'all', target: file('out') });
    expect((await openMaskFile(file('out'))).metadata).toEqual({ pattern: 'unstructured' });
    expect(await readBack(file('out'))).toEqual(made.masks);
  });

  it('finds the pattern again, and keeps metadata shared by all sources', async () => {
    const even = Object.fromEntries(linearNames.filter((name) => linearShapes[name][1] === 32).map((name) => [name, Uint8Array.from({ length: 480 }, (_, i) => Number(i % 4 < 2))]));
    const shifted = Object.fromEntries(Object.entries(even).map(([name, mask]) => [name, mask.map((_, i) => Number(i % 4 >= 1 && i % 4 < 3))]));
    const a = await openMaskSource(await masksOf(even, { pattern: '2:4', values: 'dense', model: 'aa' })('a'));
    const b = await openMaskSource(await masksOf(shifted, { pattern: '2:4', values: 'dense', model: 'aa' })('b'));
    expect(await composeMasks({ sources: [a, b], keep: 'any', target: file('any') })).toMatchObject({ pattern: '3:4', sparsity: 0.25 });
    expect(await composeMasks({ sources: [a, b], keep: 'all', target: file('all') })).toMatchObject({ pattern: '1:4', sparsity: 0.75 });
    expect((await openMaskFile(file('all'))).metadata).toEqual({ pattern: '1:4', values: 'dense', model: 'aa' });
    expect((await examineMask({ maskFile: file('all') })).violations.count).toBe(0);
  });

  it('refuses other models, other linears, and existing files', async () => {
    const all = Object.fromEntries(linearNames.map((name, i) => [name, new Uint8Array(sizes[i]).fill(1)]));
    const a = await openMaskSource(await masksOf(all, { model: 'aa' })('a'));
    const b = await openMaskSource(await masksOf(all, { model: 'bb' })('b'));
    const fewer = await openMaskSource(await masksOf({ [linearNames[0]]: all[linearNames[0]] })('fewer'));
    await expect(composeMasks({ sources: [a, b], keep: 'all', target: file('out') })).rejects.toBeInstanceOf(MaskMismatchError);
    await composeMasks({ sources: [a, b], keep: 'all', target: file('out'), anyModel: true });
    expect((await openMaskFile(file('out'))).metadata.model).toBeUndefined();
    await expect(composeMasks({ sources: [a, b], keep: 'all', target: file('out'), anyModel: true })).rejects.toBeInstanceOf(OutputExistsError);
    await expect(composeMasks({ sources: [a], keep: 'all', target: file('a'), overwrite: true })).rejects.toBeInstanceOf(OutputExistsError);
    await expect(composeMasks({ sources: [a, fewer], keep: 'all', target: file('other') })).rejects.toThrow('it has 1 linears, and none named');
  });
});

describe('applyMask', () => {
  it.each<[Dtype, boolean]>([['F32', false], ['BF16', true]])('recreates the pruned checkpoint byte for byte (%s, sharded: %s)', async (dtype, sharded) => {
    const made = await makeModel(root, { dtype, sharded });
    const model = await modelDigest(await openCheckpoint(made.dense));
    await writeMask(made.maskFile, made.masks, { values: 'dense', model });
    const target = join(root, 'again');
    expect(await applyMask({ mask: made.maskFile, model: made.dense, target })).toEqual({ linears: 4 });
    const again = await openCheckpoint(target);
    for (const path of again.weightFiles) expect(await readFile(path)).toEqual(await readFile(join(made.pruned, basename(path))));
    expect(await readFile(join(target, 'config.json'))).toEqual(await readFile(join(made.pruned, 'config.json')));
  });

  it('refuses the wrong model, updated values, the source folder, and existing files', async () => {
    const made = await makeModel(root, { dtype: 'F16' });
    const target = join(root, 'again');
    const request = { mask: made.maskFile, model: made.dense, target };
    await writeMask(made.maskFile, made.masks, { model: 'ab' });
    await expect(applyMask(request)).rejects.toThrow(/made for the model with digest ab; .*--any-model/);
    await writeMask(made.maskFile, made.masks, { values: 'updated' });
    await expect(applyMask(request)).rejects.toBeInstanceOf(UpdatedValuesError);
    await expect(applyMask({ ...request, denseValues: true, target: made.dense, overwrite: true })).rejects.toBeInstanceOf(TargetIsSourceError);
    await expect(applyMask({ ...request, denseValues: true, target: made.dense })).rejects.toBeInstanceOf(TargetIsSourceError);
    await applyMask({ ...request, denseValues: true });
    await expect(applyMask({ ...request, denseValues: true })).rejects.toBeInstanceOf(OutputExistsError);
    await applyMask({ ...request, denseValues: true, overwrite: true });
    await writeMask(made.maskFile, { 'model.layers.5.w.weight': new Uint8Array(8) }, {}, { 'model.layers.5.w.weight': [2, 4] });
    await expect(applyMask({ ...request, target: join(root, 'other') })).rejects.toThrow('tensor model.layers.5.w.weight is not in the model');
  });
});

describe('mask files from other programs', () => {
  it('are described in whole bytes without shapes, and verified with the model', async () => {
    const made = await makeModel(root, { dtype: 'F16' });
    await writeSafetensors(file('bare'), linearNames.map((name) => ({ name, dtype: 'U8', shape: [Math.ceil(made.masks[name].length / 8)], data: packBits(made.masks[name]) })));
    expect(await describeMasks(await openMaskSource(file('bare')))).toMatchObject({ shapesKnown: false, weights: 2 * (480 + 96) });
    await expect(examineMask({ maskFile: file('bare') })).rejects.toBeInstanceOf(MaskShapesMissingError);
    expect(await examineMask({ maskFile: file('bare'), model: made.dense })).toMatchObject({ weights: 2 * (480 + 91), violations: { count: 0 } });
  });

  it('are refused if they are not mask files', async () => {
    const made = await makeModel(root, { dtype: 'F16' });
    await expect(openMaskFile(join(made.dense, 'model.safetensors'))).rejects.toThrow(/is F16; expected a mask file.*give its folder/);
    await expect(openMaskSource(join(root, 'nothing'))).rejects.toBeInstanceOf(MaskFileError);
    const wrong: Record<string, string>[] = [{ shapes: '[1' }, { shapes: '{"a":[0,1]}' }, { bits: 'highest first' }, { values: 'some' }];
    for (const metadata of wrong) {
      await expect(openMaskFile(await masksOf(made.masks, metadata)('bad'))).rejects.toBeInstanceOf(MaskFileError);
    }
  });
});
