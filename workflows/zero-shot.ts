import type { ZeroShotScore } from '../activities/result.js';
import type { Activities, ArtifactKey, QuestionsPart, QuestionsRef, RunContext, TokensRef } from '../activities/types.js';
import type { EvaluationStage, ModelState, ZeroShotTask } from '../config/pipeline.js';
import { numbered } from './dataset-labels.js';
import type { StageTracker } from './progress.js';

/** Most bytes of hidden states that go through the layers together; one part alone may have as many (activities/zero-shot). */
const groupBytes = 4 * 2 ** 30;

type Part = QuestionsPart & QuestionsRef['parts'][number];

export interface ZeroShotRun {
  activities: Activities;
  context: RunContext;
  stage: EvaluationStage;
  tracker: StageTracker;
  workflowId: string;
  /** Masks of all layers of a state. */
  masksOf: (state: ModelState) => (ArtifactKey | null)[];
}

/** What results call each of the tasks. */
export function taskLabels(tasks: readonly ZeroShotTask[]): string[] {
  return numbered(tasks.map((task) => ('task' in task ? task.task : task.name)));
}

/** How many activities it takes at least; more where the questions are too many to go through the layers together. */
export function zeroShotUnits({ zeroShot = [], states }: EvaluationStage, layers: number): number {
  return zeroShot.length === 0 ? 0 : zeroShot.length + states.length * (layers + 2);
}

/**
 * Judges all states of an evaluation on its tasks. Small tasks go through the layers together, large ones in parts: at no time
 * more hidden states than {@link groupBytes}. What a part comes to does not depend on what it runs together with.
 */
export async function evaluateZeroShot({ activities, context, stage, tracker, workflowId, masksOf }: ZeroShotRun): Promise<Partial<Record<ModelState, Record<string, ZeroShotScore>>>> {
  const { zeroShot = [], states } = stage;
  const labels = taskLabels(zeroShot);
  const tasks: { label: string; task: ZeroShotTask; questions: QuestionsRef }[] = [];
  for (const [index, task] of zeroShot.entries()) {
    tracker.working(`questions of ${labels[index]}`);
    const sampled = await activities.sampleQuestions({ context, task });
    tracker.unit(sampled);
    tasks.push({ label: labels[index], task, questions: sampled.questions });
  }
  const parts = tasks.flatMap(({ questions: { key, parts: those } }) => those.map((part, index): Part => ({ key, part: index, ...part })));
  const { layers } = context.model;
  const result: Partial<Record<ModelState, Record<string, ZeroShotScore>>> = {};
  for (const state of states) {
    const masks = masksOf(state);
    tracker.working(`${state}, zero-shot`);
    const known = await activities.findLikelihoods({ context, parts: parts.map(({ key, part }) => ({ key, part })), masks });
    const groups = groupsOf(parts.filter((_, index) => !known[index]));
    if (groups.length === 0) for (let unit = 0; unit <= layers; unit++) tracker.unit({ seconds: 0, reused: true });
    else tracker.more((groups.length - 1) * (layers + 1));
    for (const [index, tokens] of groups.entries()) {
      const which = groups.length === 1 ? `${state}, zero-shot` : `${state}, zero-shot part ${index + 1} of ${groups.length}`;
      for (let layer = 0; layer < layers; layer++) {
        tracker.working(`${which}, layer ${layer}`);
        tracker.unit(await activities.advanceLayer({ context, layer, path: { tokens, masks: masks.slice(0, layer) }, mask: masks[layer] ?? null }));
      }
      tracker.working(`${which}, scoring`);
      tracker.unit(await activities.scoreLikelihoods({ context, path: { tokens, masks } }));
    }
    tracker.working(`${state}, accuracies`);
    const judged = await activities.judgeZeroShot({ context, workflowId, state, masks, tasks });
    tracker.unit(judged);
    result[state] = judged.scores;
  }
  return result;
}

/** Consecutive parts, as many as may go together. */
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
