import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelDigest, proveCheckpoint, writeProof } from '../../../files/masks/index.js';
import { openCheckpoint } from '../../../files/checkpoints/index.js';
import { linearShapes, makeModel, patchElement, wordBytes, writeMask, type MadeModel } from '../../files/masks/made-checkpoint.js';
import { runCommand } from './run-command.js';

const linear = 'model.layers.1.mlp.up_proj.weight';
const columns = linearShapes[linear][1];

describe('mask', () => {
  let root = '';
  let made: MadeModel;
  let run = '';
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'mask-'));
    made = await makeModel(root, { dtype: 'BF16', sharded: true });
    await writeMask(made.maskFile, made.masks, { pattern: 'unstructured', values: 'dense', model: await modelDigest(await openCheckpoint(made.dense)) });
    run = path.join(root, 'run');
  });
  afterEach(() => rm(root, { recursive: true }));

  const mask = (...words: string[]) => runCommand(['mask', ...words], { cwd: root });
  const place = (index: number) => `${linear}, row ${Math.floor(index / columns)}, column ${index % columns}`;

  async function prove(): Promise<void> {
    await writeProof({ path: path.join(run, 'proof.json'), facts: await proveCheckpoint({ checkpoint: made.pruned, maskFile: made.maskFile, source: made.dense }) });
  }

  it('verify passes for a run, finds its mask and proof, and writes nothing', async () => {
    await prove();
    const { code, stdout, stderr } = await mask('verify', made.pruned, '--model', made.dense);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`${made.maskFile} (found next to the checkpoint)`);
    expect(stdout).toContain(path.join(run, 'proof.json'));
    expect(stdout).toContain('Correct: no NaN, no infinity, zero wherever the mask prunes, all else as in the dense model, files unchanged since they were proved.');
    expect((await mask('verify', run)).code).toBe(0);
    expect((await mask('verify', made.maskFile)).stdout).toContain('proof.json');
    expect(existsSync(path.join(root, '.llm-barber'))).toBe(false);
  });

  it('verify names tensor and position of an error on stdout, with exit code 1', async () => {
    const index = made.masks[linear].indexOf(0);
    await patchElement(made.pruned, linear, index, wordBytes('BF16', 'one'));
    const { code, stdout, stderr } = await mask('verify', made.pruned);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toContain(`Not correct: 1 violation.\n  ${place(index)}: a pruned weight is 1; expected 0\n`);
    const { stdout: json } = await mask('verify', made.pruned, '--json');
    expect(JSON.parse(json)).toMatchObject({
      holds: false, violationCount: 1,
      violations: [{ kind: 'pruned-not-zero', tensor: linear, position: [Math.floor(index / columns), index % columns], found: 'a pruned weight is 1', expected: '0' }],
    });
  });

  it('verify with a proof names the position too, not only digests', async () => {
    await prove();
    const index = made.masks[linear].indexOf(1);
    await patchElement(made.pruned, linear, index, wordBytes('BF16', 'zero'));
    const { code, stdout } = await mask('verify', made.pruned);
    expect(code).toBe(1);
    expect(stdout).toContain(`${place(index)}: a kept weight is 0`);
    expect(stdout).toMatch(/model-0000\d-of-00002\.safetensors: the file has SHA-256/);
  });

  it('verify compares with the dense model named in the result of the run, as long as it is unchanged', async () => {
    const model = { source: made.dense, digest: await modelDigest(await openCheckpoint(made.dense)) };
    await writeFile(path.join(run, 'result.json'), JSON.stringify({ model }));
    const index = made.masks[linear].indexOf(1);
    await patchElement(made.pruned, linear, index, wordBytes('BF16', 'one'));
    const { code, stdout } = await mask('verify', run);
    expect(code).toBe(1);
    expect(stdout).toContain(`${made.dense} (named by the result of the run; every weight is compared with it)`);
    expect(stdout).toMatch(new RegExp(`${place(index)}: a kept weight is 1; expected -?0\\.\\d+, as in the dense model`));
    expect((await mask('verify', run, '--no-model')).code).toBe(0);
    await writeFile(path.join(made.dense, 'config.json'), '{}');
    expect((await mask('verify', run)).code).toBe(0);
  });

  it('apply recreates the checkpoint of the run, and says what prevents it', async () => {
    const again = path.join(root, 'again');
    const { code, stdout } = await mask('apply', made.maskFile, '--model', made.dense, '--out', again, '--json');
    expect({ code, ...(JSON.parse(stdout) as object) }).toEqual({ code: 0, checkpoint: again, linears: 4 });
    for (const name of ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'config.json']) {
      expect(await readFile(path.join(again, name))).toEqual(await readFile(path.join(made.pruned, name)));
    }
    expect(await mask('apply', made.maskFile, '--model', made.dense, '--out', again)).toMatchObject({ code: 2, stderr: expect.stringContaining('--overwrite') as string });
    expect(await mask('apply', made.maskFile, '--model', made.dense, '--out', made.dense)).toMatchObject({ code: 2, stderr: expect.stringContaining('would replace') as string });
    await writeFile(path.join(made.dense, 'config.json'), '{}');
    expect(await mask('apply', made.maskFile, '--model', made.dense, '--out', path.join(root, 'b'))).toMatchObject({ code: 2, stderr: expect.stringContaining('--any-model') as string });
  });

  it('compose takes the mask of a checkpoint, diff finds it the same, and info describes it', async () => {
    const out = path.join(root, 'taken.safetensors');
    expect(await mask('compose', made.pruned, '--out', out)).toMatchObject({ code: 0 });
    const { stdout } = await mask('diff', made.maskFile, out, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ total: { grown: 0, pruned: 0, jaccard: 1 }, layers: [{ layer: 0 }, { layer: 1 }] });
    expect((await mask('diff', made.maskFile, out, '--linears')).stdout).toMatch(/mlp\.up_proj .*\n[^]*The masks are the same\./);
    expect((await mask('info', out)).stdout).toMatch(/sparsity +\d[\d.]* %: \d+ of 1,142 weights are pruned\n/);
    expect(await mask('compose', out, made.maskFile, '--out', path.join(root, 'b'))).toMatchObject({ code: 2, stderr: expect.stringContaining('--keep is missing') as string });
  });

  it.each([
    ['a file that is not there', ['verify', 'nothing'], /nothing: it cannot be opened/],
    ['a file that is not a mask', ['verify', 'dense/model-00001-of-00002.safetensors'], /is BF16; expected a mask file/],
    ['a folder that is no checkpoint', ['verify', '.'], /the folder has no weights/],
    ['a pattern that is not one', ['verify', 'run', '--pattern', '4:2'], /'4:2' is not a sparsity pattern/],
    ['an unknown option', ['verify', 'run', '--fast'], /unknown option '--fast'/],
    ['a missing option', ['apply', 'run/mask.safetensors', '--out', 'x'], /required option '--model <folder>'/],
  ])('with %s: ends with exit code 2 and the error, without a stack trace', async (_, words, message) => {
    const { code, stdout, stderr } = await mask(...words);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
