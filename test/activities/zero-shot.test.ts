import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { prepareRun } from '../../activities/prepare-run.js';
import type { RunContext, TokensRef } from '../../activities/types.js';
import type { QuestionsRef } from '../../activities/zero-shot/types.js';
import { Workbench } from '../../activities/workbench.js';
import { findLikelihoods, judgeZeroShot, sampleQuestions, scoreLikelihoods } from '../../activities/zero-shot/index.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { parsePipeline } from '../../app/config/index.js';
import type { EvaluationStage, ZeroShotTask } from '../../app/config/pipeline.js';
import { loadTokenizer } from '../../files/datasets/index.js';
import { tf } from '../../science/engine/index.js';
import { disposeConstants, forwardLogits } from '../../science/models/index.js';
import { demoFolder, temporaryState } from '../helpers/demo-run.js';
import { loadModel } from '../helpers/load-model.js';

let state: string;
let remove: () => Promise<void>;
let context: RunContext;
let tasks: ZeroShotTask[];

const sentences = readFileSync(join(demoFolder, 'heldout.txt'), 'utf8').split('\n').filter((line) => line.length > 40);
/** Each question asks which of three pieces of text continues the beginning of a sentence. */
const choices = sentences.slice(0, 12).map((sentence, i) => ({
  query: sentence.slice(0, 25),
  choices: [sentence.slice(25, 60), sentences[i + 1].slice(25, 40), sentences[i + 2].slice(25, 60)],
  gold: 0,
}));
const contexts = sentences.slice(0, 5).map((sentence, i) => ({ context_options: [sentences[i + 3].slice(0, 20), sentence.slice(0, 20)], continuation: sentence.slice(20, 40).trim(), gold: 1 }));

const newBench = (): Workbench => new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
const lines = (documents: object[]): string => documents.map((document) => `${JSON.stringify(document)}\n`).join('');

beforeAll(async () => {
  ({ state, remove } = await temporaryState());
  writeFileSync(join(state, 'choices.jsonl'), lines(choices));
  writeFileSync(join(state, 'contexts.jsonl'), lines(contexts));
  const text = `
version: 1
name: small
model: { source: ${JSON.stringify(join(demoFolder, 'model'))} }
stages:
  - evaluation: { zeroShot: [{ name: choices, file: ./choices.jsonl }, { name: contexts, file: ./contexts.jsonl }] }
`;
  const { pipeline } = parsePipeline({ text, path: join(state, 'small.yaml') });
  tasks = (pipeline.stages[0] as EvaluationStage).zeroShot ?? [];
  context = await prepareRun({ pipeline }, newBench());
});
afterAll(async () => {
  disposeConstants();
  await remove();
});

function together(...all: QuestionsRef[]): TokensRef {
  const parts = all.flatMap(({ key, parts: those }) => those.map((part, index) => ({ key, part: index, ...part })));
  const samples = parts.reduce((sum, part) => sum + part.samples, 0);
  return { key: parts.map(({ key, part }) => `${key}.${part}`).join('+'), samples, sequenceLength: 1, questions: parts.map(({ key, part }) => ({ key, part })) };
}

/** Runs all layers. Each has a new bench with nothing in memory. */
async function run(tokens: TokensRef, benchOf: () => Workbench): Promise<void> {
  const masks = new Array<null>(context.model.layers).fill(null);
  for (let layer = 0; layer < masks.length; layer++) await advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask: null }, benchOf());
  await scoreLikelihoods({ context, path: { tokens, masks } }, benchOf());
}

interface Line {
  document: number;
  gold: number;
  log_likelihoods: number[];
  likeliest: number;
  likeliest_norm?: number;
}

describe('zero-shot activities on the demo model', () => {
  const found: Record<string, Line[]> = {};
  let digests: string[];

  it('give accuracies, and a file with the log-likelihoods of all answers', async () => {
    const bench = newBench();
    const questions: QuestionsRef[] = [];
    for (const task of tasks) questions.push((await sampleQuestions({ context, task }, bench)).questions);
    expect(questions.map(({ documents }) => documents)).toEqual([12, 5]);
    await run(together(...questions), () => bench);
    const masks = new Array<null>(context.model.layers).fill(null);
    const judged = { context, workflowId: 'run', state: 'dense' as const, masks, tasks: tasks.map((task, i) => ({ label: ['choices', 'contexts'][i], task, questions: questions[i] })) };
    const { scores } = await judgeZeroShot(judged, bench);
    for (const label of ['choices', 'contexts']) {
      found[label] = readFileSync(join(state, 'runs', 'run', 'zero-shot', 'dense', `${label}.jsonl`), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Line);
      const right = found[label].filter(({ gold, likeliest }) => gold === likeliest).length;
      expect(scores[label]).toMatchObject({ acc: right / found[label].length, documents: found[label].length, bos: false });
      // The mean over the documents of 1 / number of answers.
      expect(scores[label].chance).toBeCloseTo(found[label].reduce((sum, { log_likelihoods: answers }) => sum + 1 / answers.length, 0) / found[label].length, 12);
    }
    expect(scores['choices'].acc_norm).toBe(found['choices'].filter(({ gold, likeliest_norm }) => gold === likeliest_norm).length / 12);
    expect(scores['contexts']).toMatchObject({ acc_norm: null, acc_norm_stderr: null });
    digests = [scores['choices'].digest, scores['contexts'].digest];
    bench.forget();
  });

  it('give the log-likelihoods of each request alone in the whole model', async () => {
    const { model, weights } = await loadModel(join(demoFolder, 'model'));
    const { encode } = await loadTokenizer(join(demoFolder, 'model'));
    const alone = async (before: string, after: string): Promise<number> => {
      const whole = await encode(`${before} ${after}`);
      const start = (await encode(before.trimEnd())).length;
      const logits = tf.tidy(() => forwardLogits(model, weights, tf.tensor2d(whole, [1, whole.length], 'int32')).squeeze([0]).arraySync() as number[][]);
      return Array.from(whole).slice(start).reduce((sum, target, k) => {
        const row = logits[start + k - 1];
        const top = Math.max(...row);
        return sum + row[target] - top - Math.log(row.reduce((total, x) => total + Math.exp(x - top), 0));
      }, 0);
    };
    for (const [i, { query, choices: answers }] of choices.entries()) {
      for (const [j, answer] of answers.entries()) expect(found['choices'][i].log_likelihoods[j]).toBeCloseTo(await alone(query, answer), 3);
    }
    for (const [i, { context_options, continuation }] of contexts.entries()) {
      for (const [j, option] of context_options.entries()) expect(found['contexts'][i].log_likelihoods[j]).toBeCloseTo(await alone(option, continuation), 3);
    }
    tf.dispose([...weights.values()]);
  });

  it('give the same bits for a task alone in new processes as together with others', async () => {
    const { state: first } = { state };
    const elsewhere = await temporaryState();
    state = elsewhere.state;
    const { questions } = await sampleQuestions({ context, task: tasks[1] }, newBench());
    await run(together(questions), newBench);
    const masks = new Array<null>(context.model.layers).fill(null);
    const { scores } = await judgeZeroShot({ context, workflowId: 'run', state: 'dense', masks, tasks: [{ label: 'contexts', task: tasks[1], questions }] }, newBench());
    expect(scores['contexts'].digest).toBe(digests[1]);
    state = first;
    await elsewhere.remove();
  });

  it('reuse known results, but not for another mask, limit or BOS token', async () => {
    const bench = newBench();
    const sampled = await sampleQuestions({ context, task: tasks[0] }, bench);
    expect(sampled.reused).toBe(true);
    const { key } = sampled.questions;
    const dense = new Array<null>(context.model.layers).fill(null);
    expect(await findLikelihoods({ context, parts: [{ key, part: 0 }, { key, part: 1 }], masks: dense }, bench)).toEqual([true, false]);
    expect(await findLikelihoods({ context, parts: [{ key, part: 0 }], masks: ['a'.repeat(64), ...dense.slice(1)] }, bench)).toEqual([false]);
    expect((await sampleQuestions({ context, task: { ...tasks[0], limit: 3 } }, bench)).questions).toMatchObject({ documents: 3 });
    // The demo's tokenizer has no BOS token.
    await expect(sampleQuestions({ context, task: { ...tasks[0], bos: true } }, bench)).rejects.toThrow(/the tokenizer has no BOS token, but `bos` is true/);
  });
});
