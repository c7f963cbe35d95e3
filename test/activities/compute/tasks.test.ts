/** A failed task leaves no tensors behind, wherever it fails. A successful one leaves only the hidden states for the next task. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTask } from '../../../activities/compute/tasks.js';
import type { ComputeTask } from '../../../activities/compute/messages.js';
import type { ComputeActivities, Path, RunContext, TokensRef } from '../../../activities/types.js';
import type { QuestionsRef } from '../../../activities/zero-shot/types.js';
import { readSequences } from '../../../activities/sequences.js';
import { Workbench } from '../../../activities/workbench.js';
import { ArtifactStore } from '../../../files/artifacts/index.js';
import { parsePipeline } from '../../../app/config/index.js';
import type { EvaluationStage, InitialMaskStage, RebuildStage } from '../../../app/config/pipeline.js';
import { tf } from '../../../science/engine/index.js';
import { disposeConstants, heldConstants } from '../../../science/models/index.js';
import { begin, demoFolder, demoPipeline, rebuildStageOf, temporaryState } from '../../helpers/demo-run.js';

/** The number of store operations after which the disk is full. */
let allowed = Infinity;
let operations = 0;

function operation(): void {
  if (++operations > allowed) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

async function* interrupted(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    operation();
  }
}

/** A store that counts its operations, including reads and writes of files, and fails when told to. */
class FullStore extends ArtifactStore {
  override find(...args: Parameters<ArtifactStore['find']>): ReturnType<ArtifactStore['find']> {
    operation();
    return super.find(...args);
  }
  override findOrMake(...[kind, dependsOn, make]: Parameters<ArtifactStore['findOrMake']>): ReturnType<ArtifactStore['findOrMake']> {
    operation();
    return super.findOrMake(kind, dependsOn, async (draft) => {
      const summary = await make({ write: (name, chunks) => draft.write(name, interrupted(chunks)) });
      operation();
      return summary;
    });
  }
  override async *readPieces(...args: Parameters<ArtifactStore['readPieces']>): ReturnType<ArtifactStore['readPieces']> {
    yield* interrupted(super.readPieces(...args));
  }
  override drop(...args: Parameters<ArtifactStore['drop']>): ReturnType<ArtifactStore['drop']> {
    operation();
    return super.drop(...args);
  }
}

let state: string;
let remove: () => Promise<void>;
let bench: Workbench;
let context: RunContext;
let tokens: TokensRef;
let initial: string[];
let questions: QuestionsRef;
let zeroShot: EvaluationStage['zeroShot'];

const pipeline = demoPipeline(['rebuild.strategy=published']);
const evaluation = pipeline.stages.find((stage): stage is EvaluationStage => stage.type === 'evaluation') as EvaluationStage;
const artifacts = (): string => join(state, 'artifacts');
const spare = (): string => join(state, 'spare');

beforeAll(async () => {
  ({ state, remove } = await temporaryState());
  bench = new Workbench(state, new FullStore(artifacts()));
  ({ context, tokens, initial } = await begin((task, input) => runTask(task, input, bench) as never, pipeline));
  const lines = readFileSync(join(demoFolder, 'heldout.txt'), 'utf8').split('\n').filter((line) => line.length > 40).slice(0, 4);
  writeFileSync(join(state, 'choices.jsonl'), lines.map((line) => `${JSON.stringify({ query: line.slice(0, 20), choices: [line.slice(20, 40), 'nobody knows'], gold: 0 })}\n`).join(''));
  const text = `version: 1\nname: small\nmodel: { source: ${JSON.stringify(join(demoFolder, 'model'))} }\nstages: [{ evaluation: { zeroShot: [{ name: choices, file: ./choices.jsonl }] } }]\n`;
  const judged = parsePipeline({ text, path: join(state, 'small.yaml') }).pipeline;
  ({ zeroShot } = judged.stages[0] as EvaluationStage);
  context = { ...context, files: { ...context.files, ...(await runTask('prepareRun', { pipeline: judged }, bench)).files } };
  ({ questions } = await runTask('sampleQuestions', { context, task: taskOf() }, bench));
  bench.forget();
  await cp(artifacts(), spare(), { recursive: true });
});
afterAll(async () => {
  allowed = Infinity;
  disposeConstants();
  await remove();
});

const taskOf = (): NonNullable<EvaluationStage['zeroShot']>[number] => zeroShot?.[0] as NonNullable<EvaluationStage['zeroShot']>[number];
const parts = (): { key: string; part: number }[] => questions.parts.map((_, part) => ({ key: questions.key, part }));
const initialStage = (method: InitialMaskStage['method']): InitialMaskStage => ({ ...(pipeline.stages[1] as InitialMaskStage), method });
const rebuildBy = (...settings: string[]): RebuildStage => rebuildStageOf(demoPipeline(settings));
const calibration = (layers: number, masks: (string | null)[] = initial): Path => ({ tokens, masks: masks.slice(0, layers) });
const dense = (layers: number): null[] => new Array<null>(layers).fill(null);
const questionPath = (layers: number): Path => ({ tokens: { key: 'questions', samples: 8, sequenceLength: 1, questions: parts() }, masks: dense(layers) });
const questionBatches = async (): Promise<number> => (await readSequences(bench.store, questionPath(0).tokens, 1)).length;
const windows = (): number => Math.ceil(tokens.samples / context.sequencesPerBatch);

interface Case<Task extends ComputeTask = ComputeTask> {
  task: Task;
  input: () => Parameters<ComputeActivities[Task]>[0];
  /** Path whose hidden states are in memory when the task begins. `left` is the number of tensors that remain when it is done. */
  from?: () => Path;
  left?: () => number | Promise<number>;
  /** For slow tasks: fail only every `step`-th operation. */
  step?: number;
}
const of = <Task extends ComputeTask>(one: Case<Task>): Case => one;
const all = (): number => context.model.layers;

const cases: Record<string, Case> = {
  'prepareRun': of({ task: 'prepareRun', input: () => ({ pipeline }) }),
  'sampleCalibration': of({ task: 'sampleCalibration', input: () => ({ context, stage: { ...pipeline.stages[0], samples: 3 } as never }) }),
  'sampleEvaluation': of({ task: 'sampleEvaluation', input: () => ({ context, task: evaluation.perplexity[0] }) }),
  'sampleQuestions': of({ task: 'sampleQuestions', input: () => ({ context, task: { ...taskOf(), limit: 2 } }) }),
  'findScores': of({ task: 'findScores', input: () => ({ context, method: 'owl', tokens }) }),
  'scoreLayer by OWL': of({ task: 'scoreLayer', input: () => ({ context, method: 'owl', tokens, layer: 1 }), from: () => calibration(1, dense(1)), left: windows }),
  'scoreLayer by DLP': of({ task: 'scoreLayer', input: () => ({ context, method: 'dlp', tokens, layer: 1 }), from: () => calibration(1, dense(1)), left: windows }),
  'scoreLayer by sensitivity': of({ task: 'scoreLayer', input: () => ({ context, method: 'sensitivity', tokens, layer: all() - 1 }), from: () => calibration(all(), dense(all())), step: 3 }),
  'makeInitialMask by magnitude': of({ task: 'makeInitialMask', input: () => ({ context, stage: initialStage('magnitude'), layer: 1 }) }),
  'makeInitialMask by Wanda': of({ task: 'makeInitialMask', input: () => ({ context: { ...context, sparsity: 0.6 }, stage: initialStage('wanda'), layer: 1, path: calibration(1) }), from: () => calibration(1), left: windows }),
  'makeInitialMask by SparseGPT': of({ task: 'makeInitialMask', input: () => ({ context, stage: initialStage('sparsegpt'), layer: 1, path: calibration(1) }), from: () => calibration(1), left: windows, step: 4 }),
  'makeInitialMask by ADMM': of({ task: 'makeInitialMask', input: () => ({ context, stage: { ...initialStage('admm'), iterations: 2 }, layer: 1, path: calibration(1) }), from: () => calibration(1), left: windows, step: 4 }),
  'rebuildLayer, published': of({ task: 'rebuildLayer', input: () => ({ context, stage: rebuildBy('rebuild.strategy=published'), layer: 1, path: calibration(1), start: initial[1] }), from: () => calibration(1), left: windows }),
  'rebuildLayer, guarded with a refit': of({
    task: 'rebuildLayer',
    input: () => ({ context, stage: rebuildBy('rebuild.strategy=guarded', 'rebuild.weights=refit', 'rebuild.budget=1', 'rebuild.rounds=1'), layer: 1, path: calibration(1), start: initial[1] }),
    from: () => calibration(1), left: windows, step: 4,
  }),
  'advanceLayer': of({ task: 'advanceLayer', input: () => ({ context, layer: 1, path: calibration(1), mask: null }), from: () => calibration(1), left: windows }),
  'advanceLayer with questions': of({ task: 'advanceLayer', input: () => ({ context, layer: 1, path: questionPath(1), mask: null }), from: () => questionPath(1), left: questionBatches }),
  'findPerplexity': of({ task: 'findPerplexity', input: () => ({ context, path: calibration(all()) }) }),
  'scorePerplexity': of({ task: 'scorePerplexity', input: () => ({ context, path: calibration(all()) }), from: () => calibration(all()) }),
  'findLikelihoods': of({ task: 'findLikelihoods', input: () => ({ context, parts: parts(), masks: dense(all()) }) }),
  'scoreLikelihoods': of({ task: 'scoreLikelihoods', input: () => ({ context, path: questionPath(all()) }), from: () => questionPath(all()) }),
  'proveMasks': of({ task: 'proveMasks', input: () => ({ context, stage: initialStage('wanda'), masks: initial, start: [] }), step: 5 }),
  'writeOutputs': of({ task: 'writeOutputs', input: () => ({ context, workflowId: 'run', masks: initial }), step: 10 }),
};

/** Number of tensors, without the tables that all layers share. */
const tensors = (): number => tf.memory().numTensors - heldConstants();

/** Puts hidden states into the workbench's memory, as the activity before would leave them. */
async function warm({ from }: Case): Promise<void> {
  if (from === undefined) return;
  await bench.hidden.put(context, from(), await bench.hidden.take(context, from()));
}

describe('tensors after a task', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    const one = cases[name];
    expect(tensors()).toBe(0);
    let failures = 0;
    for (let limit = 0; ; limit += one.step ?? 1) {
      await warm(one);
      [allowed, operations] = [limit, 0];
      const { failure, result } = await runTask(one.task, one.input(), bench).then((done: unknown) => ({ failure: undefined, result: done }), (error: unknown) => ({ failure: error as Error, result: undefined }));
      const isWhole = operations <= limit;
      allowed = Infinity;
      if (isWhole && (result as { reused?: boolean } | undefined)?.reused !== true) {
        expect(failure).toBeUndefined();
        const left = tensors();
        expect(left).toBe((await one.left?.()) ?? 0);
        break;
      }
      if (failure !== undefined) {
        failures++;
        expect(failure.message).toContain('ENOSPC');
        expect({ limit, tensors: tensors() }).toEqual({ limit, tensors: 0 });
        continue;
      }
      // The task did without what it failed to read, or the attempt before failed only after storing its artifact. A whole attempt must still succeed.
      bench.forget();
      await rm(artifacts(), { recursive: true });
      await cp(spare(), artifacts(), { recursive: true });
    }
    if (name !== 'prepareRun') expect(failures).toBeGreaterThan(0);
    bench.forget();
    expect(tensors()).toBe(0);
  });
});
