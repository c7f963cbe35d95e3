import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareMaskWithProof, compareWithProof, examineCheckpoint, examineMask, ProofFileError, proveCheckpoint, readProof, violationText, writeProof } from '../../../files/masks/index.js';
import { makeModel, patchElement, wordBytes, writeMask, type MadeModel } from './made-checkpoint.js';

let root: string;
let made: MadeModel;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'proof-'));
  made = await makeModel(root, { dtype: 'F16', metadata: { pattern: 'unstructured', values: 'dense' } });
  path = join(root, 'run', 'proof.json');
  await writeProof({ path, facts: await proveCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile, source: made.dense }), alsoChecked: ['Budgets.'] });
});
afterEach(() => rm(root, { recursive: true }));

const linear = 'model.layers.0.mlp.up_proj.weight';

/** Returns the differences between the checkpoint in a folder and its proof. */
async function changes(run = join(root, 'run')): Promise<string[]> {
  const facts = await examineCheckpoint({ checkpoint: join(run, 'checkpoint'), maskFile: join(run, 'mask.safetensors') });
  const proof = join(run, 'proof.json');
  return compareWithProof(facts, await readProof(proof), proof).map(violationText);
}

describe('proof.json', () => {
  it('records what was checked, with relative paths, so that its folder can be moved', async () => {
    const proof = await readProof(path);
    expect(proof).toMatchObject({ checkpoint: 'checkpoint', mask: { file: 'mask.safetensors' }, values: 'dense', pattern: 'unstructured' });
    expect(proof.files.map(({ file }) => file)).toEqual(['checkpoint/model.safetensors', 'checkpoint/config.json']);
    expect(proof.checked).toContain('Every kept weight equals the dense model bit for bit.');
    expect(proof.checked).toContain('Budgets.');
    expect(await readFile(path, 'utf8')).not.toContain(root);
    const moved = join(root, 'elsewhere');
    await cp(join(root, 'run'), moved, { recursive: true });
    expect(await changes(moved)).toEqual([]);
    const facts = await examineCheckpoint({ checkpoint: made.pruned, maskFile: join(moved, 'mask.safetensors') });
    expect(compareWithProof(facts, await readProof(path), path)).toEqual([]);
  });

  it('has the same bytes for the same facts', async () => {
    const before = await readFile(path);
    await writeProof({ path, facts: await proveCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile, source: made.dense }), alsoChecked: ['Budgets.'] });
    expect(await readFile(path)).toEqual(before);
  });

  it('names the tensor of a kept weight that changed, and the position of one that became zero', async () => {
    const kept = made.masks[linear].indexOf(1);
    await patchElement(made.pruned, linear, kept, wordBytes('F16', 'one'));
    expect(await changes()).toEqual([
      expect.stringMatching(new RegExp(`^${linear}: its values have SHA-256 `)) as string, expect.stringMatching(/^model\.safetensors: the file has SHA-256 /) as string,
    ]);
    await patchElement(made.pruned, linear, kept, wordBytes('F16', 'zero'));
    expect((await changes())[0]).toBe(`${linear}, row 0, column ${kept}: a kept weight is 0, one of 1; expected no kept weights that are 0, as when it was proved`);
  });

  it('names both positions of a moved zero', async () => {
    const [zero, one] = [made.masks[linear].indexOf(0), made.masks[linear].indexOf(1)];
    await patchElement(made.pruned, linear, zero, wordBytes('F16', 'one'));
    await patchElement(made.pruned, linear, one, wordBytes('F16', 'zero'));
    const facts = await examineCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile });
    const found = [...facts.violations.listed, ...compareWithProof(facts, await readProof(path), path)].map(violationText);
    expect(found.slice(0, 2)).toEqual([
      `${linear}, row 0, column ${zero}: a pruned weight is 1; expected 0`,
      `${linear}, row 0, column ${one}: a kept weight is 0, one of 1; expected no kept weights that are 0, as when it was proved`,
    ]);
    expect(found).toHaveLength(3);
  });

  it('names the tensor whose mask changed, using only the mask', async () => {
    const mask = made.masks[linear];
    const [zero, one] = [mask.indexOf(0), mask.indexOf(1)];
    [mask[zero], mask[one]] = [1, 0];
    await writeMask(made.maskFile, made.masks, { pattern: 'unstructured', values: 'dense' });
    const facts = await examineMask({ maskFile: made.maskFile });
    expect(facts.violations.count).toBe(0);
    expect(compareMaskWithProof(facts, await readProof(path)).map(violationText)).toEqual([
      expect.stringMatching(new RegExp(`^${linear}: its mask prunes \\d+ weights and has SHA-256 `)) as string,
      expect.stringMatching(/^mask\.safetensors: the file has SHA-256 /) as string,
    ]);
  });

  it('is not written for a failed check, and refused if it is something else', async () => {
    await patchElement(made.pruned, linear, 0, wordBytes('F16', 'nan'));
    const facts = await examineCheckpoint({ checkpoint: made.pruned });
    await expect(writeProof({ path, facts })).rejects.toBeInstanceOf(ProofFileError);
    await writeFile(path, '{"format": "mask-proof"}');
    await expect(readProof(path)).rejects.toThrow('it is not a proof file');
  });
});
