import type { PipelineResult } from '../../workflows/protocol.js';
import { states } from './states.js';

const metrics = ['acc', 'acc_norm'] as const;

type Scores = NonNullable<PipelineResult['zeroShot']>;

/**
 * Rows of the table of zero-shot accuracies, heading first, one for each task and metric: in percent, with standard errors, and with the
 * accuracy of guessing if known. The last row is the mean of all.
 */
export function accuracyRows({ zeroShot = {} }: Pick<PipelineResult, 'zeroShot'>): string[][] {
  const judged = states.filter((state) => zeroShot[state] !== undefined);
  const tasks = tasksOf(zeroShot);
  if (tasks.length === 0) return [];
  const chances = tasks.map((task) => judged.map((state) => zeroShot[state]?.[task]?.chance).find((chance) => chance !== undefined));
  const withChance = (row: string[], chance: number | undefined): string[] => (chances.every((one) => one === undefined) ? row : [...row, chance === undefined ? '-' : shareText(chance)]);
  const rows = tasks.flatMap((task, index) =>
    metrics
      .filter((metric) => metric === 'acc' || judged.some((state) => zeroShot[state]?.[task]?.acc_norm != null))
      .map((metric) => withChance([`${task} ${metric}`, ...judged.map((state) => cell(zeroShot[state]?.[task]?.[metric], zeroShot[state]?.[task]?.[`${metric}_stderr`]))], chances[index])),
  );
  const means = judged.map((state) => meanOf(Object.values(zeroShot[state] ?? {}).map(({ acc }) => acc)));
  const heading = ['zero-shot, %', ...judged, ...(chances.every((one) => one === undefined) ? [] : ['chance'])];
  const isWhole = chances.every((chance) => chance !== undefined);
  return [heading, ...rows, ...(tasks.length > 1 ? [withChance(['mean acc', ...means.map(shareText)], isWhole ? meanOf(chances) : undefined)] : [])];
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const shareText = (share: number): string => (100 * share).toFixed(2);

/** Lists the number of documents of each task: `arc_easy (200), rte (277, with BOS token)`. */
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
  const value = shareText(share);
  return error === undefined || error === null ? value : `${value} ± ${(100 * error).toFixed(2)}`;
}
