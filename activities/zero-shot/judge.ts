import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileNameFor, pathBelow, writeFileDurably } from '../../files/artifacts/index.js';
import type { Question } from '../../files/datasets/index.js';
import { accuracy, likeliest, likeliestByCharacter } from '../../science/evaluation/index.js';
import type { ZeroShotScore } from '../result.js';
import type { JudgeZeroShotInput, JudgeZeroShotResult } from './types.js';
import type { Workbench } from '../workbench.js';
import { likelihoodsFolder } from '../write-outputs.js';
import { readLikelihoods } from './likelihoods.js';
import { definitionOf } from './task-files.js';

/** A document with the log-likelihoods of its answers, as written to the file beside the report. */
interface JudgedDocument {
  document: number;
  gold: number;
  log_likelihoods: number[];
  /** Index of the answer that `acc` takes; `likeliest_norm` is the one that `acc_norm` takes. */
  likeliest: number;
  likeliest_norm?: number;
  contexts: string[];
  continuations: string[];
}

/** Computes the accuracies of a state of the model on all tasks from the log-likelihoods in the store, and writes these beside the report. */
export async function judgeZeroShot({ context, workflowId, state, masks, tasks }: JudgeZeroShotInput, bench: Workbench): Promise<JudgeZeroShotResult> {
  const started = performance.now();
  const scores: Record<string, ZeroShotScore> = {};
  for (const { label, task, questions: { key, parts } } of tasks) {
    bench.onProgress(`${state}, ${label}`);
    const metrics = definitionOf(task)?.definition.metrics ?? ['acc', 'acc_norm'];
    const questions = Buffer.from(await bench.store.read('questions', key, 'documents.jsonl')).toString().trimEnd().split('\n').map((line) => JSON.parse(line) as Question);
    const likelihoods = await readLikelihoods(context, parts.map((_, part) => ({ key, part })), masks, bench);
    let next = 0;
    const judged = questions.map((question, document) => {
      const values = question.contexts.map(() => likelihoods[next++]);
      return judge(question, values, document);
    });
    const isNormed = metrics.includes('acc_norm') && judged.every(({ likeliest_norm }) => likeliest_norm !== undefined);
    const acc = accuracy(judged.map((one) => one.likeliest === one.gold));
    const norm = isNormed ? accuracy(judged.map((one) => one.likeliest_norm === one.gold)) : { value: null, standardError: null };
    const text = Buffer.from(judged.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const file = pathBelow(pathBelow(likelihoodsFolder(bench.state, workflowId), state, 'state'), `${fileNameFor(label)}.jsonl`, 'task');
    await mkdir(dirname(file), { recursive: true });
    await writeFileDurably(file, [text]);
    scores[label] = {
      acc: acc.value, acc_stderr: acc.standardError, acc_norm: norm.value, acc_norm_stderr: norm.standardError,
      documents: judged.length, chance: chanceOf(judged), bos: task.bos, digest: createHash('sha256').update(text).digest('hex'),
    };
  }
  return { scores, seconds: (performance.now() - started) / 1000, reused: false };
}

/** Expected accuracy of guessing. */
const chanceOf = (judged: readonly JudgedDocument[]): number => judged.reduce((sum, { log_likelihoods: answers }) => sum + 1 / answers.length, 0) / judged.length;

function judge({ contexts, continuations, lengths, gold }: Question, values: number[], document: number): JudgedDocument {
  const scored = { logLikelihoods: values, lengths: lengths ?? [], gold };
  const norm = lengths === undefined ? {} : { likeliest_norm: likeliestByCharacter(scored) };
  return { document, gold, log_likelihoods: values, likeliest: likeliest(scored), ...norm, contexts: [...new Set(contexts)], continuations: [...new Set(continuations)] };
}
