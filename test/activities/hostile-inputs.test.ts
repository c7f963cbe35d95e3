/** Inputs that an attacker can pass to an activity by starting workflows without this program's client: nothing outside is read or written. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AllowedPaths } from '../../activities/allowed-paths.js';
import { OutputsElsewhereError } from '../../activities/errors.js';
import { publishKept } from '../../activities/outputs/publish.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { proveOutputs } from '../../activities/prove.js';
import type { PipelineResult } from '../../activities/result.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import type { RunContext } from '../../activities/types.js';
import { Workbench } from '../../activities/workbench.js';
import { writeOutputs } from '../../activities/write-outputs.js';
import { writeReport } from '../../activities/write-report.js';
import { writeSearch, writeSweep } from '../../activities/write-sweep.js';
import { judgeZeroShot, sampleQuestions } from '../../activities/zero-shot/index.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { writeSafetensors } from '../../files/checkpoints/index.js';
import { taskPath } from '../../app/config/index.js';
import type { CalibrationStage, Pipeline } from '../../app/config/pipeline.js';
import { exampleResult } from '../app/report/example-result.js';
import { copyOfDemo, demoPipeline } from '../helpers/demo-run.js';

let root: string;
let inside: string;
let outside: string;
let state: string;
let bench: Workbench;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'hostile-inputs-')));
  inside = await copyOfDemo(join(root, 'inside'));
  outside = await copyOfDemo(join(root, 'outside'));
  state = join(root, 'state');
  await mkdir(state);
  bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')), new AllowedPaths([inside, state]));
});
afterAll(() => rm(root, { recursive: true }));

const pipeline = (change: (stages: Record<string, unknown>[]) => void): Pipeline => {
  const sent = JSON.parse(JSON.stringify(demoPipeline([], inside))) as { stages: Record<string, unknown>[] };
  change(sent.stages);
  return sent as unknown as Pipeline;
};
const contextOf = (): Promise<RunContext> => prepareRun({ pipeline: demoPipeline([], inside) }, bench);

it('writes nothing for a sweep or search whose workflow id is a path', async () => {
  for (const id of ['../../escaped', '../runs/of-others', 'a/b', '', '..', '.']) {
    for (const write of [writeSweep, writeSearch]) await expect(write(state, id, { 'report.md': 'x' }), id).rejects.toThrow(/workflow id .* cannot name a file or folder/);
  }
  expect(existsSync(join(root, 'escaped'))).toBe(false);
  expect((await readdir(state)).filter((name) => name === 'sweeps' || name === 'searches')).toEqual([]);
  expect(await writeSweep(state, 's-0123456789abcdef', { 'report.md': 'x' })).toBe(join(state, 'sweeps', 's-0123456789abcdef', 'report.md'));
  expect(await writeSearch(state, 's-0123456789abcdef', { 'report.md': 'x' })).toBe(join(state, 'searches', 's-0123456789abcdef', 'report.md'));
});

it('gives no digest of a file through the mask source of a method that reads none', async () => {
  const sent = pipeline((stages) => (stages[1]['source'] = join(outside, 'calibration.txt')));
  await expect(prepareRun({ pipeline: sent }, bench)).rejects.toThrow(/`source` without `method: file`/);
});

it('refuses an unknown state instead of computing it as dense', async () => {
  const sent = pipeline((stages) => (stages[3]['states'] = ['weird']));
  await expect(prepareRun({ pipeline: sent }, bench)).rejects.toThrow(/"weird"; expected `dense`, `initial` or `rebuilt`/);
});

it('refuses a workflow id that is a path before a model is opened', async () => {
  const sent = { pipeline: demoPipeline(['model.source=/none'], inside), workflowId: '../x' };
  await expect(prepareRun(sent, bench)).rejects.toThrow(/workflow id "\.\.\/x": it cannot name/);
});

it('reads no file for a task that is a path', async () => {
  await writeFile(join(inside, 'task.yaml'), 'secret: 1\n');
  const context = await contextOf();
  for (const task of [`../../../../../../../..${join(inside, 'task')}`, '../demo', '..', '']) {
    expect(() => taskPath(task), task).toThrow(/cannot name a file or folder/);
    await expect(sampleQuestions({ context, task: { task, bos: false } }, bench)).rejects.toThrow(/cannot name a file or folder/);
  }
});

it('keeps states and labels of zero-shot tasks below the folder of their run', async () => {
  const documents = join(inside, 'questions.jsonl');
  await writeFile(documents, '{"query":"a","choices":["b","c"],"gold":0}\n');
  const task = { name: 'mine', file: documents, bos: false };
  const context = await prepareRun({ pipeline: pipeline((stages) => (stages[3]['zeroShot'] = [task])) }, bench);
  const { questions } = await sampleQuestions({ context, task }, bench);
  const judge = (workflowId: string, stateName: string, label: string): Promise<unknown> =>
    judgeZeroShot({ context, workflowId, state: stateName as 'dense', masks: [], tasks: [{ label, task, questions: { ...questions, parts: [] } }] }, bench);
  await expect(judge('w', '../../../escaped', 'mine')).rejects.toThrow(/state "\.\.\/\.\.\/\.\.\/escaped": it cannot name/);
  await expect(judge('../w', 'dense', 'mine')).rejects.toThrow(/workflow id "\.\.\/w": it cannot name/);
  for (const label of ['../../x', '..', 'a/b', '語'.repeat(100), 'a\0b', 'mine']) await judge('w', 'dense', label);
  const written = await readdir(join(state, 'runs', 'w', 'zero-shot', 'dense'));
  expect(written).toHaveLength(6);
  expect(written).toContain('mine.jsonl');
  expect(existsSync(join(root, 'escaped'))).toBe(false);
});

it('reads no other file through the key of an artifact', async () => {
  const context = await contextOf();
  await expect(writeOutputs({ context, workflowId: 'w', masks: ['../../../inside'] }, bench)).rejects.toThrow(/artifact key .* cannot name/);
});

it('reads no checkpoint or mask from elsewhere in the proof', async () => {
  const context = await contextOf();
  await expect(proveOutputs({ context, workflowId: 'w', outputs: { checkpoint: join(outside, 'model'), mask: join(state, 'm') } }, bench)).rejects.toThrow(/^outputs\.checkpoint: .*not in a folder/);
  await expect(proveOutputs({ context, workflowId: 'w', outputs: { checkpoint: join(state, 'c'), mask: join(outside, 'model', 'model.safetensors') } }, bench)).rejects.toThrow(/^outputs\.mask: .*not in a folder/);
});

it('publishes no files from elsewhere, and reads none for the page of a run', async () => {
  const own = join(state, 'runs', 'p');
  const mask = join(outside, 'mask.safetensors');
  await writeSafetensors(mask, [{ name: 'model.layers.0.mlp.up_proj.weight', dtype: 'U8', shape: [1], data: Uint8Array.of(1) }]);
  const lock = join(outside, 'secret.yaml');
  await writeFile(lock, 'secret: 1\n');
  const result: PipelineResult = { ...exampleResult, checkpoint: join(outside, 'model'), mask, proof: join(outside, 'calibration.txt'), lock };

  await writeReport({ workflowId: 'p', pipeline: demoPipeline(), context: await contextOf(), result }, state, bench.store, { renderReport: () => '', renderPage: () => Promise.resolve('') });
  expect(await readFile(join(own, 'report.html'), 'utf8')).toContain(join(own, 'mask.safetensors'));

  const publish = () => publishKept({
    result, folder: own, target: { repository: 'a/b', branch: 'main', private: true },
    // All files have been chosen and read. Nothing must be sent in a test.
    renderCard: ({ result: { checkpoint }, lock: made }) => { throw new Error(`would publish ${checkpoint} with ${JSON.stringify(made)}`); },
  }, bench.store);
  await expect(publish()).rejects.toThrow(OutputsElsewhereError);
  await mkdir(join(own, 'checkpoint'));
  for (const name of ['mask.safetensors', 'proof.json', 'pipeline.lock.yaml']) await writeFile(join(own, name), 'own: 1');
  await expect(publish()).rejects.toThrow(`would publish ${join(own, 'checkpoint')} with {"own":1}`);
});

it('refuses an index that names a file outside the model folder, and a shard that links to one', async () => {
  for (const [name, shard] of [['dots', '../../outside/model/model.safetensors'], ['absolute', join(outside, 'model', 'model.safetensors')], ['link', 'shard.safetensors']] as const) {
    const model = join(await copyOfDemo(join(inside, name)), 'model');
    await rename(join(model, 'model.safetensors'), join(model, 'kept.bak'));
    if (name === 'link') await symlink(join(outside, 'model', 'model.safetensors'), join(model, shard));
    await writeFile(join(model, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { 'model.embed_tokens.weight': shard } }));
    await expect(prepareRun({ pipeline: demoPipeline([`model.source=${model}`], inside) }, bench), name)
      .rejects.toThrow(name === 'link' ? /is a link to .*outside/ : /expected the name of a \.safetensors file in the same folder/);
  }
});

it('refuses a mask source that is a device', async () => {
  const free = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
  await expect(prepareRun({ pipeline: demoPipeline(['initialMask={method: file, source: /dev/zero}'], inside) }, free)).rejects.toThrow(/\/dev\/zero: this is a device or a pipe/);
});

it('refuses a path of 100,000 characters with a short message', async () => {
  const context = await contextOf();
  const stage = { ...(demoPipeline([], inside).stages[0] as CalibrationStage), samples: 1, dataset: { file: `/${'x/'.repeat(50_000)}` } };
  const failing = sampleCalibration({ context: { ...context, files: { ...context.files, [stage.dataset.file]: '1' } }, stage }, bench);
  await expect(failing).rejects.toThrow(/^dataset\.file: the path has 100001 characters; expected at most 4096/);
});
