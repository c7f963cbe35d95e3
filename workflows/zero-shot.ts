import type { ZeroShotScore } from '../activities/result.js';
import type { QuestionsPart, TokensRef } from '../activities/types.js';
import type { QuestionsRef } from '../activities/zero-shot/types.js';
import type { EvaluationStage, ModelState, ZeroShotTask } from '../app/config/pipeline.js';
import { numbered } from './dataset-labels.js';
import type { EvaluationRun } from './evaluation.js';
import { inLanes } from './lanes.js';
import type { ZeroShotPart } from './run-state.js';

/** Limit of the hidden states that go through the layers together, in bytes. One part alone may reach it (activities/zero-shot). */
const groupBytes = 4 * 2 ** 30;

type Part = QuestionsPart & QuestionsRef['parts'][number];

/** By state and task. */
export type ZeroShotScores = Partial<Record<ModelState, Record<string, ZeroShotScore>>>;

/** Returns the name of each task in results. */
export function taskLabels(tasks: readonly ZeroShotTask[]): string[] {
  return numbered(tasks.map((task) => ('task' in task ? task.task : task.name)));
}

/** Returns the least number of activities that it takes. It takes more if the questions do not fit through the layers together. */
export function zeroShotUnits({ zeroShot = [], states }: EvaluationStage, layers: number): number {
  return zeroShot.length === 0 ? 0 : zeroShot.length + states.length * (layers + 2);
}

/**
 * Judges all states of an evaluation on its tasks, and records the scores in `part`. Small tasks go through the layers together,
 * large ones in parts, so that hidden states never exceed {@link groupBytes} on a worker. Groups may be on several workers. The result of a
 * part does not depend on its group.
 */
export async function evaluateZeroShot(run: EvaluationRun & { workflowId: string }, part: ZeroShotPart): Promise<void> {
  const { activities, context, stage, tracker, continueAsNewIfDue: between, workflowId } = run;
  const { zeroShot = [], states } = stage;
  const labels = taskLabels(zeroShot);
  while (part.questions.length < zeroShot.length) {
    const index = part.questions.length;
    tracker.setDetail(`questions of ${labels[index]}`);
    const sampled = await activities.sampleQuestions({ context, task: zeroShot[index] });
    tracker.finishUnit(sampled);
    part.questions.push(sampled.questions);
  }
  const tasks = zeroShot.map((task, index) => ({ label: labels[index], task, questions: part.questions[index] }));
  for (; part.state < states.length; part.state++) {
    await between();
    const state = states[part.state];
    await likelihoodsOf(run, part, state);
    tracker.setDetail(`${state}, accuracies`);
    const judged = await activities.judgeZeroShot({ context, workflowId, state, masks: run.masksOf(state), tasks });
    tracker.finishUnit(judged);
    part.scores[state] = judged.scores;
    delete part.groups;
  }
}

/** Runs all questions through the layers of one state, except those whose log-likelihoods are known. */
async function likelihoodsOf({ activities, context, tracker, lanes, masksOf, continueAsNewIfDue: between }: EvaluationRun, part: ZeroShotPart, state: ModelState): Promise<void> {
  const { layers } = context.model;
  const masks = masksOf(state);
  const parts = part.questions.flatMap(({ key, parts: those }) => those.map((one, index): Part => ({ key, part: index, ...one })));
  tracker.setDetail(`${state}, zero-shot`);
  const known = await activities.findLikelihoods({ context, parts: parts.map(({ key, part }) => ({ key, part })), masks });
  // If the run has continued as new in between, finished groups are known and already counted.
  const groups = groupsOf(parts.filter((_, index) => !known[index]));
  const isFresh = part.groups === undefined;
  const progress = (part.groups ??= { all: groups.length, done: 0 });
  if (isFresh) {
    if (groups.length === 0) for (let unit = 0; unit <= layers; unit++) tracker.finishUnit({ seconds: 0, reused: true });
    else tracker.addUnits((groups.length - 1) * (layers + 1));
  }
  const { all, done: before } = progress;
  await inLanes(groups, { lanes, tracker, between }, async (tokens, lane, finish, index) => {
    const which = all === 1 ? `${state}, zero-shot` : `${state}, zero-shot part ${before + index + 1} of ${all}`;
    for (let layer = 0; layer < layers; layer++) {
      finish(await lane(`${which}, layer ${layer}`).advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask: masks[layer] ?? null }));
    }
    finish(await lane(`${which}, scoring`).scoreLikelihoods({ context, path: { tokens, masks } }));
    progress.done++;
  });
}

/** Groups consecutive parts up to the limit. */
function groupsOf(parts: readonly Part[]): TokensRef[] {
  const groups: Part[][] = [];
  let bytes = Infinity;
  for (const part of parts) {
    if (bytes + part.bytes > groupBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(part);
    bytes += part.bytes;
  }
  return groups.map((group) => {
    const sum = (amount: (part: Part) => number): number => group.reduce((total, part) => total + amount(part), 0);
    const samples = sum((part) => part.samples);
    return {
      key: group.map(({ key, part }) => `${key}.${part}`).join('+'),
      samples,
      sequenceLength: Math.ceil(sum((part) => part.tokens) / samples),
      questions: group.map(({ key, part }) => ({ key, part })),
    };
  });
}
