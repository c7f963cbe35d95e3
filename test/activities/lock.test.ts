import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { differenceTable, inputDifferences, lockedInputs, lockedOutputs, LockMismatchError, outputDifferences, writeLock } from '../../activities/lock/index.js';
import { prepareRun } from '../../activities/prepare-run.js';
import type { RunContext } from '../../activities/types.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import type { Lock } from '../../app/config/index.js';
import { demoFolder, demoPipeline, temporaryState } from '../helpers/demo-run.js';

let state = '';
let folder = '';
let bench: Workbench;
let lock: Lock;
let remove: () => Promise<void>;

beforeAll(async () => {
  ({ state, remove } = await temporaryState());
  folder = await mkdtemp(join(tmpdir(), 'locked-'));
  await cp(demoFolder, folder, { recursive: true });
  bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
  const context = await prepareRun({ pipeline: demoPipeline(), folder: demoFolder }, bench);
  lock = { ...lockedInputs(demoPipeline(), context, demoFolder), outputs: { perplexity: {} } };
});
afterAll(async () => {
  await remove();
  await rm(folder, { recursive: true });
});

/** Returns the differences that a locked run of the copy reports. */
async function refused(against: Lock, overrides: string[] = []): Promise<{ what: string; locked: string; found: string }[]> {
  const refusal = await prepareRun({ pipeline: demoPipeline(overrides, folder), folder, lock: against }, bench).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(LockMismatchError);
  return [...(refusal as LockMismatchError).differences];
}

describe('a lock', () => {
  it('does not depend on the machine: a copy in another folder has the same lock', async () => {
    const context = await prepareRun({ pipeline: demoPipeline([], folder), folder, lock }, bench);
    expect(lockedInputs(demoPipeline([], folder), context, folder)).toEqual({ ...lock, outputs: undefined });
    const file = join(state, 'pipeline.lock.yaml');
    await writeLock(file, lock);
    const text = await readFile(file, 'utf8');
    expect(parse(text)).toEqual(JSON.parse(JSON.stringify(lock)));
    for (const machine of [demoFolder, process.cwd(), tmpdir(), state]) expect(text).not.toContain(machine);
    expect(Object.keys(lock.files)).toEqual(['./calibration.txt', './heldout.txt', './model/tokenizer.json', './model/tokenizer_config.json']);
  });

  it('refuses another value in the pipeline, and names it', async () => {
    expect(await refused(lock, ['initialMask.sparsity=0.6'])).toEqual([{ what: 'pipeline.stages[1].initialMask.sparsity', locked: '0.5', found: '0.6' }]);
    expect(await refused(lock, ['calibration.sampling=random'])).toEqual([{ what: 'pipeline.stages[0].calibration.sampling', locked: 'sequential', found: 'random' }]);
  });

  it('refuses other versions, another engine, and an edited lock', async () => {
    expect(await refused({ ...lock, package: '9.9.9' })).toMatchObject([{ what: 'package', locked: '9.9.9' }]);
    expect(await refused({ ...lock, numerics: { ...lock.numerics, rebuild: 99 } })).toMatchObject([{ what: 'numerics.rebuild', locked: '99' }]);
    expect(await refused({ ...lock, engine: { ...lock.engine, device: 'a GPU' } })).toMatchObject([{ what: 'engine.device', locked: 'a GPU', found: 'cpu' }]);
    expect(await refused({ ...lock, pipelineDigest: '0'.repeat(64) })).toMatchObject([{ what: 'pipelineDigest', locked: '0'.repeat(64), found: lock.pipelineDigest }]);
  });

  it('determines the batches', async () => {
    const context = await prepareRun({ pipeline: demoPipeline([], folder), folder, lock: { ...lock, sequencesPerBatch: 5 } }, bench);
    expect(context.sequencesPerBatch).toBe(5);
  });

  it('refuses a text and a model with one changed byte', async () => {
    await appendFile(join(folder, 'heldout.txt'), 'x');
    expect(await refused(lock)).toMatchObject([{ what: 'files[./heldout.txt]', locked: lock.files['./heldout.txt'] }]);
    await appendFile(join(folder, 'model', 'config.json'), '\n');
    expect((await refused(lock)).map(({ what }) => what)).toEqual(['model.digest', 'files[./heldout.txt]']);
  });

  it('lists a different number of threads', () => {
    const { outputs: _, ...found } = lock;
    const differences = inputDifferences({ ...lock, engine: { ...lock.engine, threads: 64 } }, found);
    expect(differences).toEqual([{ what: 'engine.threads', locked: '64', found: String(lock.engine.threads) }]);
    expect(differenceTable(differences)).toBe(`  what            locked  found\n  engine.threads  64      ${lock.engine.threads}`);
  });

  it('names files from a hub by repository and commit, wherever the cache is', () => {
    const named = (cache: string): string[] => {
      const path = `${cache}/hub/datasets--org--set/snapshots/${'c'.repeat(40)}/data/test.parquet`;
      return Object.keys(lockedInputs(demoPipeline(), { ...contextOf(), files: { [path]: 'f'.repeat(64) } }, '/somewhere').files);
    };
    expect(named('/home/a/.cache/huggingface')).toEqual([`org/set@${'c'.repeat(40)}/data/test.parquet`]);
    expect(named('/elsewhere')).toEqual(named('/home/a/.cache/huggingface'));
  });

  it('does not compare the chance accuracy, which older locks do not have', () => {
    const score = { acc: 0.5, acc_stderr: 0.1, acc_norm: null, acc_norm_stderr: null, documents: 3, bos: false, digest: 'd' };
    const older = { perplexity: {}, zeroShot: { dense: { boolq: score } } };
    expect(outputDifferences(lockedOutputs(older), lockedOutputs({ perplexity: {}, zeroShot: { dense: { boolq: { ...score, chance: 0.5 } } } }))).toEqual([]);
    expect(lockedOutputs(older).zeroShot).toEqual(older.zeroShot);
  });

  it('compares outputs to the last bit', () => {
    const outputs: Lock['outputs'] = { mask: 'a', checkpoint: { 'model.safetensors': 'b' }, perplexity: { dense: { t: 0.1 + 0.2 } } };
    expect(outputDifferences(outputs, JSON.parse(JSON.stringify(outputs)) as Lock['outputs'])).toEqual([]);
    expect(outputDifferences(outputs, { mask: 'c', perplexity: { dense: { t: 0.3 }, initial: { t: 1 } } }).map(({ what }) => what)).toEqual(['mask', 'checkpoint', 'perplexity.dense.t', 'perplexity.initial']);
  });
});

const contextOf = (): RunContext => ({
  model: { source: '/m', digest: 'd', family: 'llama', layers: 1, parameters: 1, prunable: 1 },
  engine: lock.engine, sequencesPerBatch: 1, files: {}, pattern: 'unstructured', sparsity: 0.5,
});
