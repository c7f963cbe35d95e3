/** Chooses and sorts the runs of a list. Pure. */
import type { RunLabels } from '../../../workflows/run-labels.js';
import type { RunFigures } from './run-figures.js';

/** What a list knows about a run. */
export interface RunEntry extends Partial<RunLabels> {
  name: string;
  status: string;
  /** ISO 8601. */
  started: string;
  figures?: RunFigures;
}

/** Labels that runs are filtered by. */
export const filterKeys = ['status', 'model', 'sparsity', 'pattern', 'method', 'gate'] as const;
export type FilterKey = (typeof filterKeys)[number];

/** The requested value of each label, and a part of the name. Absent or empty entries match all runs. */
export type RunFilter = Partial<Record<FilterKey | 'name', string>>;

export const sortKeys = ['started', 'name', 'status', 'model', 'sparsity', 'dense', 'initial', 'rebuilt', 'gap', 'seconds'] as const;
export type SortKey = (typeof sortKeys)[number];

/** The labels of a run by the keys of the filter, as text. */
function labelsOf({ status, model, sparsity, pattern, methods = [], gate }: RunEntry): Record<FilterKey, readonly string[]> {
  const one = (value: string | number | undefined): string[] => (value === undefined ? [] : [String(value)]);
  return { status: one(status), model: one(model), sparsity: one(sparsity), pattern: one(pattern), method: methods, gate: one(gate) };
}

export function isWanted(run: RunEntry, filter: RunFilter): boolean {
  const labels = labelsOf(run);
  const { name = '' } = filter;
  return run.name.toLowerCase().includes(name.toLowerCase()) && filterKeys.every((key) => (filter[key] ?? '') === '' || labels[key].includes(filter[key] ?? ''));
}

/** Returns all values of each label that occur in the runs. */
export function choices(runs: readonly RunEntry[]): Record<FilterKey, string[]> {
  const all = runs.map(labelsOf);
  return Object.fromEntries(filterKeys.map((key) => [key, [...new Set(all.flatMap((labels) => labels[key]))].sort()])) as Record<FilterKey, string[]>;
}

/** Whether the largest comes first: for times and the gap closed, unless the order is reversed. */
export const descends = (key: SortKey, reverse: boolean): boolean => (key === 'started' || key === 'gap') !== reverse;

/** Sorts runs, by default the newest first. Numbers start with the best or smallest; runs without a number are last. */
export function sorted<Run extends RunEntry>(runs: readonly Run[], key: SortKey, reverse: boolean): Run[] {
  const sign = descends(key, reverse) ? -1 : 1;
  return [...runs].sort((a, b) => {
    const [x, y] = [valueOf(a, key), valueOf(b, key)];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    return sign * (x < y ? -1 : x > y ? 1 : 0);
  });
}

function valueOf(run: RunEntry, key: SortKey): string | number | undefined {
  switch (key) {
    case 'started':
    case 'name':
    case 'status':
    case 'model':
      return run[key];
    case 'sparsity':
      return run.figures?.sparsity ?? run.sparsity;
    default:
      return run.figures?.[key];
  }
}
