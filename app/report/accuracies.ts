import type { PipelineResult } from '../../workflows/protocol.js';
import { states } from './states.js';

const metrics = ['acc', 'acc_norm'] as const;

type Scores = NonNullable<PipelineResult['zeroShot']>;

/** Rows of the table of zero-shot accuracies, one a task and metric, heading first: in percent, with standard errors; the mean of all at the end. */
export function accuracyRows({ zeroShot = {} }: Pick<PipelineResult, 'zeroShot'>): string[][] {
  const judged = states.filter((state) => zeroShot[state] !== undefined);
  const tasks = tasksOf(zeroShot);
  if (tasks.length === 0) return [];
  const rows = tasks.flatMap((task) =>
    metrics
      .filter((metric) => metric === 'acc' || judged.some((state) => zeroShot[state]?.[task]?.acc_norm != null))
      .map((metric) => [`${task} ${metric}`, ...judged.map((state) => cell(zeroShot[state]?.[task]?.[metric], zeroShot[state]?.[task]?.[`${metric}_stderr`]))]),
  );
  const means = judged.map((state) => Object.values(zeroShot[state] ?? {}).map(({ acc }) => acc)).map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  return [['zero-shot, %', ...judged], ...rows, ...(tasks.length > 1 ? [['mean acc', ...means.map((mean) => (100 * mean).toFixed(2))]] : [])];
}

/** How many documents each task has: `arc_easy (200), rte (277, with BOS token)`. */
export function questionsText({ zeroShot = {} }: Pick<PipelineResult, 'zeroShot'>): string {
  const all = states.flatMap((state) => Object.entries(zeroShot[state] ?? {}));
  const counts = tasksOf(zeroShot).map((task) => {
    const score = all.find(([name]) => name === task)?.[1];
    return `${task} (${score?.documents ?? 0}${score?.bos === true ? ', with BOS token' : ''})`;
  });
  return counts.join(', ');
}

function tasksOf(zeroShot: Scores): string[] {
  return [...new Set(states.flatMap((state) => Object.keys(zeroShot[state] ?? {})))];
}

function cell(share: number | null | undefined, error: number | null | undefined): string {
  if (share === undefined || share === null) return '-';
  const value = (100 * share).toFixed(2);
  return error === undefined || error === null ? value : `${value} ± ${(100 * error).toFixed(2)}`;
}
