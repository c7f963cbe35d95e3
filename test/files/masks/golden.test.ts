import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diffMasks, examineMask, groupZeros, openMaskFile, openMaskSource, readPackedMask } from '../../../files/masks/index.js';
import { openCheckpoint } from '../../../files/checkpoints/index.js';
import { goldenModels } from '../../helpers/golden.js';
import { recorded } from '../../science/methods/golden-data.js';

/** Reads the bytes of a safetensors file's tensors without the code under test. */
async function rawTensors(path: string): Promise<Map<string, Buffer>> {
  const bytes = await readFile(path);
  const headerBytes = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<string, { data_offsets: [number, number] }>;
  const at = 8 + headerBytes;
  return new Map(Object.entries(header).filter(([name]) => name !== '__metadata__').map(([name, { data_offsets: [from, to] }]) => [name, bytes.subarray(at + from, at + to)]));
}

function bitsSet(bytes: Buffer): number {
  return [...bytes].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}

/** One run of every kind. Only those that a model has are tested. */
const kinds = [
  ['magnitude-50-block', 'unstructured'], ['magnitude-2of4', '2:4'], ['magnitude-4of8', '4:8'],
  ['wanda-60-block', 'unstructured'], ['wanda-50-output1-r10', 'unstructured'], ['sparsegpt-50-layer', 'unstructured'],
] as const;
const cases = goldenModels.flatMap((golden) => {
  const { runs } = recorded(golden);
  return kinds.filter(([run]) => run in runs).map(([run, pattern]) => ({ ...golden, run, pattern }));
});

describe.each(cases)('golden masks of $name, $run', ({ data, model, run, pattern }) => {
  const path = (state: string) => join(data, `${run}.${state}.safetensors`);

  it.each(['initial', 'rebuilt'])('%s: have the pattern, and no errors', async (state) => {
    const facts = await examineMask({ maskFile: path(state), model });
    expect(facts).toMatchObject({ pattern, violations: { count: 0 } });
  });

  it('differ as counted by hand', async () => {
    const [before, after] = [await rawTensors(path('initial')), await rawTensors(path('rebuilt'))];
    const diff = await diffMasks(await openMaskSource(path('initial')), await openMaskSource(path('rebuilt')));
    expect(diff.linears).toHaveLength(before.size);
    expect(diff.grown).toBeGreaterThan(0);
    for (const { name, keptA, keptB, grown, pruned } of diff.linears) {
      const [a, b] = [before.get(name) ?? Buffer.of(), after.get(name) ?? Buffer.of()];
      const both = bitsSet(Buffer.from(a.map((byte, i) => byte & b[i])));
      expect({ keptA, keptB, grown, pruned }).toEqual({ keptA: bitsSet(a), keptB: bitsSet(b), grown: bitsSet(b) - both, pruned: bitsSet(a) - both });
    }
  });
});

describe.each(goldenModels)('golden masks of $name', (golden) => {
  const { data, model } = golden;
  const byRow = ['magnitude-50-output1', 'wanda-50-output1-r10'].filter((run) => run in recorded(golden).runs);

  it.each(byRow)('%s: keep the zeros of every row after a rebuild by row', async (run) => {
    const { tensors } = await openCheckpoint(model);
    const open = (state: string) => openMaskFile(join(data, `${run}.${state}.safetensors`), tensors);
    const [initial, rebuilt] = [await open('initial'), await open('rebuilt')];
    for (const [i, entry] of initial.linears.entries()) {
      const after = groupZeros(await readPackedMask(rebuilt, rebuilt.linears[i]), 'output');
      expect(after).toEqual(groupZeros(await readPackedMask(initial, entry), 'output'));
    }
  });
});
