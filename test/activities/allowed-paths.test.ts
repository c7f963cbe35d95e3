import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AllowedPaths } from '../../activities/allowed-paths.js';
import { InputFileError, PathNotAllowedError } from '../../activities/errors.js';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { proveOutputs } from '../../activities/prove.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import type { RunContext } from '../../activities/types.js';
import { Workbench } from '../../activities/workbench.js';
import { runFolder } from '../../activities/write-outputs.js';
import { ArtifactStore, UnsafeNameError } from '../../files/artifacts/index.js';
import type { CalibrationStage, InitialMaskStage } from '../../app/config/pipeline.js';
import { copyOfDemo, demoPipeline } from '../helpers/demo-run.js';

let root: string;
let inside: string;
let outside: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'allowed-')));
  inside = await copyOfDemo(join(root, 'models'));
  // Its name starts with the name of the allowed folder.
  outside = await copyOfDemo(join(root, 'models-of-others'));
  await symlink(outside, join(inside, 'door'));
  await symlink(join(outside, 'calibration.txt'), join(inside, 'link.txt'));
});
afterAll(() => rm(root, { recursive: true }));

const restricted = (): Workbench => new Workbench(join(root, 'state'), new ArtifactStore(join(root, 'state', 'artifacts')), new AllowedPaths([inside, join(root, 'state')]));
const prepare = (overrides: string[], bench = restricted()): Promise<RunContext> => prepareRun({ pipeline: demoPipeline(overrides, inside) }, bench);

describe('a worker with allowed folders', () => {
  it('reads files inside them', async () => {
    const pipeline = demoPipeline([], inside);
    const bench = restricted();
    const context = await prepareRun({ pipeline }, bench);
    const { tokens } = await sampleCalibration({ context, stage: pipeline.stages[0] as CalibrationStage }, bench);
    expect(tokens.samples).toBe(8);
    bench.forget();
  });

  it.each<[string, (to: { inside: string; outside: string }) => string, RegExp]>([
    ['a model elsewhere', ({ outside: at }) => `model.source=${at}/model`, /^model\.source: .*models-of-others\/model is not in a folder that this worker lets pipelines read; expected a path within .*models or .*state\. .*--allow-path.*LLM_BARBER_ALLOW_PATH/],
    ['a model behind `..`', ({ outside: at }) => `model.source=${inside}/../${relative(root, at)}/model`, /^model\.source: /],
    ['a model behind a linked folder', ({ inside: at }) => `model.source=${at}/door/model`, /^model\.source: .*\/door\/model is a link to .*models-of-others\/model, which is not in/],
    ['a text elsewhere', ({ outside: at }) => `calibration.dataset.file=${at}/calibration.txt`, /^dataset\.file: /],
    ['a text behind a link', ({ inside: at }) => `calibration.dataset.file=${at}/link.txt`, /^dataset\.file: .*link\.txt is a link to .*models-of-others\/calibration\.txt/],
    ['a text to judge by elsewhere', ({ outside: at }) => `evaluation.perplexity.0.dataset.file=${at}/heldout.txt`, /^dataset\.file: /],
    ['questions elsewhere', ({ outside: at }) => `evaluation.zeroShot=[{ name: mine, file: ${at}/heldout.txt }]`, /^zeroShot\.file: /],
    ['a mask elsewhere', ({ outside: at }) => `initialMask={method: file, source: ${at}/model}`, /^initialMask\.source: /],
    ['a mask that does not exist, without saying so', ({ outside: at }) => `initialMask={method: file, source: ${at}/none}`, /^initialMask\.source: .*none is not in a folder/],
  ])('refuses %s', async (_, override, message) => {
    const failing = prepare([override({ inside, outside })]);
    await expect(failing).rejects.toBeInstanceOf(PathNotAllowedError);
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toMatchObject({ retryable: false });
  });

  it.each(['tokenizer.json', 'model.safetensors', 'README.md'])('refuses a model folder whose %s is a link to a place outside', async (name) => {
    const model = join(await copyOfDemo(join(inside, `linked-${name}`)), 'model');
    await rm(join(model, name), { force: true });
    await symlink(join(outside, 'model', name === 'README.md' ? 'config.json' : name), join(model, name));
    await expect(prepare([`model.source=${model}`])).rejects.toThrow(new RegExp(`/model/${name} is a link to `));
  });

  it('accepts a model folder whose links stay inside, like a Hugging Face cache', async () => {
    const cache = join(inside, 'cache');
    await mkdir(join(cache, 'blobs'), { recursive: true });
    const snapshot = join(await copyOfDemo(join(cache, 'snapshot')), 'model');
    await rename(join(snapshot, 'model.safetensors'), join(cache, 'blobs', 'abc'));
    await symlink('../../blobs/abc', join(snapshot, 'model.safetensors'));
    expect((await prepare([`model.source=${snapshot}`])).model.layers).toBeGreaterThan(0);
  });

  it('checks paths in every activity that reads, not only in the first', async () => {
    const free = new Workbench(join(root, 'state'), new ArtifactStore(join(root, 'state', 'artifacts')));
    const pipeline = demoPipeline([`calibration.dataset.file=${outside}/calibration.txt`, `model.source=${outside}/model`, `initialMask={method: magnitude, sparsity: 0.3}`], inside);
    const context = await prepareRun({ pipeline }, free);
    const [calibration, mask] = pipeline.stages as [CalibrationStage, InitialMaskStage];
    // As an attacker would forge it: with a digest for every file that is read.
    const digests = Object.fromEntries(['tokenizer.json', 'tokenizer_config.json'].map((name) => [join(inside, 'model', name), '0'.repeat(64)]));
    const files = { ...context.files, ...digests, [join(inside, 'calibration.txt')]: '0'.repeat(64), [join(outside, 'model', 'model.safetensors')]: '0'.repeat(64) };
    const own = { ...context, files, model: { ...context.model, source: join(inside, 'model') } };
    const attempts: [string, (bench: Workbench) => Promise<unknown>][] = [
      ['dataset.file', (bench) => sampleCalibration({ context: own, stage: calibration }, bench)],
      ['model.source', (bench) => sampleCalibration({ context: { ...context, files }, stage: { ...calibration, dataset: { file: join(inside, 'calibration.txt') } } }, bench)],
      ['model.source', (bench) => makeInitialMask({ context, stage: mask, layer: 0 }, bench)],
      ['initialMask.source', (bench) => makeInitialMask({ context: own, stage: { ...mask, method: 'file', source: join(outside, 'model') }, layer: 0 }, bench)],
      ['model.source', (bench) => proveOutputs({ context, workflowId: 'w', outputs: { checkpoint: '', mask: '' } }, bench)],
    ];
    for (const [key, attempt] of attempts) await expect(attempt(restricted())).rejects.toThrow(new RegExp(`^${key}: .*is not in a folder`));
  });

  it('reads text from a regular file only, not from a device, a pipe or a folder', async () => {
    const free = new Workbench(join(root, 'state'), new ArtifactStore(join(root, 'state', 'artifacts')));
    for (const file of ['/dev/zero', inside]) {
      const failing = prepare([`calibration.dataset.file=${file}`], free);
      await expect(failing).rejects.toBeInstanceOf(InputFileError);
      await expect(failing).rejects.toThrow(/a folder, a device or a pipe/);
    }
  });
});

describe('AllowedPaths', () => {
  it('refuses every path that leads outside, for all kinds of paths', async () => {
    await mkdir(join(inside, 'deep', 'deeper'), { recursive: true });
    await writeFile(join(inside, 'deep', 'file'), '');
    await symlink('deep/deeper', join(inside, 'shortcut'));
    const allowed = new AllowedPaths([inside]);
    const segment = fc.constantFrom('..', 'door/..', 'shortcut/..', '.', 'deep', 'deeper', 'file', 'door', 'model', 'models', 'models-of-others', 'none', '');
    await fc.assert(
      fc.asyncProperty(fc.array(segment, { maxLength: 6 }), async (segments) => {
        const path = [inside, ...segments].join('/');
        const verdict = await allowed.check('k', path).then(() => true, () => false);
        // Every path that the system can resolve, as given or normalised, must lead inside.
        for (const way of [path, resolve(path)]) {
          const real = await realpath(way).catch(() => inside);
          if (verdict) expect(real === inside || real.startsWith(`${inside}/`), way).toBe(true);
        }
        if (segments.at(-1) === 'file' && !/\.\.|door|shortcut/.test(path)) expect(verdict, path).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('allows everything if no folders are given', async () => {
    await expect(new AllowedPaths().check('k', '/etc/passwd')).resolves.toBeUndefined();
  });
});

describe('the folder of outputs', () => {
  it('is below the state folder for every accepted workflow id', () => {
    expect(runFolder('/s', 'demo-0123456789abcdef')).toBe(join('/s', 'runs', 'demo-0123456789abcdef'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[./\\a]{1,8}$/)), (id) => {
        let folder: string;
        try {
          folder = runFolder('/s', id);
        } catch (error) {
          expect(error).toBeInstanceOf(UnsafeNameError);
          return;
        }
        expect(relative('/s/runs', folder)).toBe(id);
        expect(id).not.toMatch(/^\.|\//);
      }),
    );
    expect(() => runFolder('/s', '../../etc')).toThrow(/workflow id "\.\.\/\.\.\/etc": it cannot name a file or folder/);
  });
});
