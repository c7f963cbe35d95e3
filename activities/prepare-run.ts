import { access, stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { checkedName, digestOf } from '../files/artifacts/index.js';
import { digestFiles, resolveTensors } from '../files/checkpoints/index.js';
import type { Lock } from '../app/config/lock.js';
import { checkRequest, isCommit, maxLossOf, minTokensOf, mixtureProblems, shardedStages } from '../app/config/index.js';
import type { DatasetSource, InitialMaskStage, Pipeline, ZeroShotTask } from '../app/config/pipeline.js';
import { loadTokenizer } from '../files/datasets/index.js';
import { checkBlob } from '../files/hub/index.js';
import { linearsOf, type DecoderModel } from '../science/models/index.js';
import { admit, checkpointSize, lengthProblems, plannedByStage, sequencesPerBatch, stagesOf } from '../app/planning/index.js';
import { checkDivides, parsePattern, patternSparsity } from '../science/methods/index.js';
import { InputFileError, PipelineModelMismatchError } from './errors.js';
import { hubModel, type ModelRef } from './hub-files.js';
import { digestCache } from './input-digest.js';
import { inputDifferences, lockedInputs, LockMismatchError } from './lock/index.js';
import { describeMaskSource, maskSourceFiles } from './mask-source.js';
import { namedFiles } from './named-files.js';
import type { CheckedWithRun, PrepareRunInput, RunContext } from './types.js';
import type { OpenModel, Workbench } from './workbench.js';
import { definitionOf, documentFiles } from './zero-shot/index.js';

/**
 * Checks the request, opens everything that the pipeline names, checks that it fits together, and fixes what can change the bits of
 * the result. Bad input is found here, before time is spent.
 * A run that repeats a locked one takes engine, threads and batches from the lock, and everything else must match the lock.
 * @throws RequestError, UnsafeNameError, LockMismatchError, PipelineModelMismatchError, InputFileError, PathNotAllowedError,
 * AdmissionRefusedError, and the errors of hub, checkpoints, models and datasets
 */
export async function prepareRun({ pipeline, folder, lock, configDigest, anew, workflowId }: PrepareRunInput & CheckedWithRun, bench: Workbench): Promise<RunContext> {
  checkRequest({ pipeline, folder, lock, configDigest, anew });
  if (workflowId !== undefined) checkedName(workflowId, 'workflow id');
  bench.onProgress('starting the engine');
  const engine = await bench.engine(lock === undefined ? pipeline.engine : { ...lock.engine, threads: threadsOf(lock) });
  bench.onProgress('opening the model');
  const ref = await findModel(pipeline, lock, bench);
  const { source } = ref;
  const open = await bench.model(ref);
  const tensors = checkTensors(open);
  const size = checkpointSize(open.model, open.checkpoint);
  checkLengths(pipeline, open.model);
  checkMixture(pipeline, open.model);
  const mask = await maskTarget(pipeline, open.model, bench);

  bench.onProgress('comparing the resources it needs with what is free');
  const plan = await admit({ pipeline, size, engine, state: bench.state });

  const planned = plannedByStage(plan, pipeline);
  const sharded = shardedStages(pipeline);

  bench.onProgress('reading digests');
  const named = await namedFiles(pipeline, lock, bench);
  const ofTasks = await taskFiles(pipeline, bench);
  const names = new Map([...named, ...ofTasks].map(({ file, name }) => [file, name]));
  const inputs = [...(await inputFiles(pipeline, source, bench)), ...names.keys()];
  const weights = [join(source, 'config.json'), ...open.checkpoint.weightFiles];
  const digests = await digestFiles([...weights, ...inputs], { cacheFile: digestCache(bench.state) });
  const fromHub = [...(ref.repo === undefined ? [] : weights), ...named.map(({ file }) => file), ...ofTasks.filter((one) => one.fromHub).map(({ file }) => file)];
  for (const file of fromHub) await checkBlob(file, digests.get(file) ?? '');
  const context: RunContext = {
    model: {
      ...ref,
      digest: digestOf(weights.map((file) => ({ name: basename(file), sha256: digests.get(file) }))),
      family: open.model.family,
      layers: open.model.layers,
      ...tensors,
    },
    engine,
    sequencesPerBatch: lock?.sequencesPerBatch ?? sequencesPerBatch(pipeline, open.model),
    ...(sharded.length > 0 && { sharded }),
    maxLoss: maxLossOf(pipeline),
    planned: planned.seconds,
    plannedBytes: planned.bytes.map(Math.round),
    ...(open.model.experts !== undefined && { experts: { minTokens: minTokensOf(pipeline) } }),
    files: Object.fromEntries(inputs.map((file) => [names.get(file) ?? file, digests.get(file) ?? ''])),
    ...(named.length > 0 && { commits: Object.fromEntries(named.map(({ asked, commit }) => [asked, commit])) }),
    ...mask,
  };
  if (lock !== undefined) {
    const differences = inputDifferences(lock, lockedInputs(pipeline, context, folder ?? ''));
    if (differences.length > 0) throw new LockMismatchError(differences);
  }
  return context;
}

/** The wasm engine always has one thread, so another number in the lock shows up as a difference. */
function threadsOf({ engine }: Lock): number {
  return engine.backend === 'wasm' ? 1 : engine.threads;
}

/** Finds the model's folder. For a branch of a hub, a run takes the branch's current commit, and a locked run the commit of its lock. */
async function findModel({ model: { source, revision = 'main' } }: Pipeline, lock: Lock | undefined, bench: Workbench): Promise<ModelRef> {
  if (isAbsolute(source)) {
    await bench.allowed.check('model.source', source);
    await mustExist(source, 'Check model.source');
    return { source };
  }
  const locked = lock?.model.repo === source ? lock.model.revision : undefined;
  const { folder, commit } = await hubModel({ repository: source, revision: isCommit(revision) ? revision : (locked ?? revision) }, bench);
  return { source: folder, repo: source, revision: commit };
}

async function mustExist(path: string, remedy: string): Promise<void> {
  await access(path).catch(() => {
    throw new InputFileError(path, 'there is no such file or folder', remedy);
  });
}

/** Looks up every tensor of the model once, and counts the weights. */
function checkTensors({ checkpoint, model }: OpenModel): { parameters: number; prunable: number } {
  const layers = Array.from({ length: model.layers }, (_, index) => model.decoderLayer(index));
  const specs = [...model.embeddingTensors, ...layers.flatMap((layer) => layer.tensors), ...model.headTensors];
  const found = resolveTensors(checkpoint, specs);
  // Tied embeddings are found under two names but count once. Each part of a fused tensor counts.
  const sizes = new Map([...found.values()].map(({ name, part, shape }) => [`${name} ${part?.from ?? ''}`, shape.reduce((a, b) => a * b, 1)]));
  const prunable = layers.flatMap(linearsOf).reduce((sum, { shape }) => sum + shape[0] * shape[1], 0);
  return { parameters: [...sizes.values()].reduce((a, b) => a + b, 0), prunable };
}

function checkLengths(pipeline: Pipeline, model: DecoderModel): void {
  for (const problem of lengthProblems(pipeline, model.maxPositions)) throw new PipelineModelMismatchError(problem);
}

function checkMixture(pipeline: Pipeline, model: DecoderModel): void {
  for (const { path, what, expected, remedy } of mixtureProblems(pipeline, model.experts !== undefined)) {
    throw new PipelineModelMismatchError({ where: path.join('.'), what, expected, remedy });
  }
}

/** Returns the pattern and the sparsity that the masks of the run must have. */
async function maskTarget(pipeline: Pipeline, model: DecoderModel, bench: Workbench): Promise<{ pattern: string; sparsity: number }> {
  const [stage] = stagesOf(pipeline, 'initialMask');
  if (stage === undefined) return { pattern: 'unstructured', sparsity: 0 };
  if (stage.method === 'file') return fileTarget(stage, model, bench);
  const pattern = parsePattern(stage.pattern ?? 'unstructured');
  checkPattern(stage.pattern ?? 'unstructured', model);
  const sparsity = pattern.kind === 'unstructured' ? stage.sparsity : patternSparsity(pattern);
  if (sparsity === undefined) {
    throw new PipelineModelMismatchError({ where: 'initialMask', what: 'sparsity is missing', expected: 'a number in (0, 1)' });
  }
  return { pattern: stage.pattern ?? 'unstructured', sparsity };
}

async function fileTarget(stage: InitialMaskStage, model: DecoderModel, bench: Workbench): Promise<{ pattern: string; sparsity: number }> {
  const source = stage.source ?? '';
  await bench.allowed.check('initialMask.source', source);
  await mustExist(source, 'Check initialMask.source');
  const kind = await stat(source);
  if (!kind.isFile() && !kind.isDirectory()) throw new InputFileError(source, 'this is a device or a pipe, not a mask file', 'Name a mask file, or the folder of a pruned checkpoint');
  const layers = Array.from({ length: model.layers }, (_, index) => linearsOf(model.decoderLayer(index)));
  const found = await describeMaskSource(source, layers, stage.pattern);
  return { pattern: found.pattern, sparsity: stage.sparsity ?? found.sparsity };
}

function checkPattern(pattern: string, model: DecoderModel): void {
  for (let index = 0; index < model.layers; index++) {
    for (const linear of linearsOf(model.decoderLayer(index))) checkDivides(parsePattern(pattern), linear);
  }
}

const tasksOf = (pipeline: Pipeline): ZeroShotTask[] => stagesOf(pipeline, 'evaluation').flatMap(({ zeroShot = [] }) => zeroShot);

/** Returns the documents of zero-shot tasks, and the definitions of the tasks. */
async function taskFiles(pipeline: Pipeline, bench: Workbench): Promise<{ file: string; name: string; fromHub: boolean }[]> {
  const files: { file: string; name: string; fromHub: boolean }[] = [];
  for (const task of tasksOf(pipeline)) {
    const definition = definitionOf(task);
    if (definition !== undefined) files.push({ file: definition.file, name: definition.name, fromHub: false });
    for (const { file, name } of await documentFiles(task, bench)) {
      await mustExist(file, "Check the file of the pipeline's zero-shot task; relative paths start at the pipeline file");
      if (!(await stat(file)).isFile()) throw new InputFileError(file, 'this is a folder, a device or a pipe, not a file of documents', 'Name a .jsonl or .parquet file');
      files.push({ file, name, fromHub: task.file === undefined });
    }
  }
  return files;
}

/** Returns the files besides the weights whose content matters: texts, tokenizer, mask sources. */
async function inputFiles(pipeline: Pipeline, model: string, bench: Workbench): Promise<string[]> {
  const datasets: DatasetSource[] = [
    ...stagesOf(pipeline, 'calibration').map((stage) => stage.dataset),
    ...stagesOf(pipeline, 'evaluation').flatMap((stage) => stage.perplexity.map((task) => task.dataset)),
  ];
  const files = new Set<string>();
  for (const dataset of datasets) {
    if ('name' in dataset) continue;
    await bench.allowed.check('dataset.file', dataset.file);
    await mustExist(dataset.file, 'Check the dataset file of the pipeline; relative paths start at the pipeline file');
    if (!(await stat(dataset.file)).isFile()) throw new InputFileError(dataset.file, 'this is a folder, a device or a pipe, not a file of text', 'Name a text, .jsonl or .parquet file');
    files.add(dataset.file);
  }
  if (datasets.length > 0 || tasksOf(pipeline).length > 0) {
    bench.onProgress('opening the tokenizer');
    for (const file of (await loadTokenizer(model)).digestSource) files.add(file);
  }
  for (const { method, source } of stagesOf(pipeline, 'initialMask')) {
    if (method !== 'file' || source === undefined) continue;
    await bench.allowed.check('initialMask.source', source);
    for (const file of await maskSourceFiles(source)) files.add(file);
  }
  return [...files].sort();
}
