/** The outputs of a run in a store that several machines share. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keepModel, keptParts } from '../../activities/outputs/keep.js';
import { publishKept, type CardRequest } from '../../activities/outputs/publish.js';
import type { PipelineResult } from '../../activities/result.js';
import type { RunContext } from '../../activities/types.js';
import { writeReport } from '../../activities/write-report.js';
import { ArtifactStore, keptRun, outputParts } from '../../files/artifacts/index.js';
import { demoPipeline } from '../helpers/demo-run.js';
import { exampleResult } from '../app/report/example-result.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'outputs-'))));
afterEach(() => rm(folder, { recursive: true }));

it('fetches the checkpoint of a run that ends on another machine, and records one run on both', async () => {
  const first = join(folder, 'first', 'runs', 'w');
  await mkdir(join(first, 'checkpoint'), { recursive: true });
  const files = { checkpoint: join(first, 'checkpoint'), mask: join(first, 'mask.safetensors'), proof: join(first, 'proof.json') };
  await writeFile(join(files.checkpoint, 'model.safetensors'), 'weights');
  await writeFile(join(files.checkpoint, 'config.json'), '{}');
  await writeFile(files.mask, 'mask');
  await writeFile(files.proof, '{}');
  const store = new ArtifactStore(join(folder, 'shared'));
  const kept = await keepModel(store, outputParts, files, new Map());
  // The machine is lost, with its disk.
  await rm(join(folder, 'first'), { recursive: true });

  const second = join(folder, 'second');
  const result: PipelineResult = { ...exampleResult, ...files, kept };
  const written = await writeReport({ workflowId: 'w', pipeline: demoPipeline(), context: {} as RunContext, result }, second, store, { renderReport: () => 'report', renderPage: () => Promise.resolve('page') });
  expect(written).toMatchObject({ checkpoint: join(second, 'runs', 'w', 'checkpoint'), mask: join(second, 'runs', 'w', 'mask.safetensors') });
  expect(await readFile(join(second, 'runs', 'w', 'checkpoint', 'model.safetensors'), 'utf8')).toBe('weights');
  const remembered = await keptRun(store.backend, 'w');
  expect(remembered?.outputs).toEqual({ ...kept, report: written.kept?.report });

  // A third machine publishes it. The files of an earlier run there are replaced.
  const third = join(folder, 'third', 'runs', 'w');
  await mkdir(join(third, 'checkpoint'), { recursive: true });
  await writeFile(join(third, 'checkpoint', 'model.safetensors'), 'old');
  const renderCard = ({ result: { checkpoint, mask, proof } }: CardRequest): string => { throw new Error(`would publish ${checkpoint}, ${mask} and ${proof}`); };
  const publishing = publishKept({ result: { ...result, ...written }, folder: third, target: { repository: 'a/b', branch: 'main', private: true }, renderCard }, store);
  await expect(publishing).rejects.toThrow(`would publish ${join(third, 'checkpoint')}, ${join(third, 'mask.safetensors')} and ${join(third, 'proof.json')}`);
  expect(await readFile(join(third, 'checkpoint', 'model.safetensors'), 'utf8')).toBe('weights');
});

it('keeps what the pipeline says, or by default everything if the store is outside the state folder', () => {
  const [own, shared] = [new ArtifactStore(join(folder, 'artifacts')), new ArtifactStore(join(folder, 'elsewhere'))];
  expect(keptParts(undefined, own, folder)).toEqual([]);
  expect(keptParts(undefined, shared, folder)).toEqual(['checkpoint', 'mask', 'report']);
  expect(keptParts(['mask'], own, folder)).toEqual(['mask']);
  expect(keptParts([], shared, folder)).toEqual([]);
});
