/** Runs in a list: which of them are shown, and in which order. Pure. */
import type { RunLabels } from '../../../workflows/run-labels.js';
import type { RunFigures } from './run-figures.js';

/** What a list knows of a run. */
export interface RunEntry extends Partial<RunLabels> {
  name: string;
  status: string;
  /** ISO 8601. */
  started: string;
  figures?: RunFigures;
}

/** Labels that runs are chosen by. */
export const filterKeys = ['status', 'model', 'sparsity', 'pattern', 'method', 'gate'] as const;
export type FilterKey = (typeof filterKeys)[number];

/** What is asked for: a label each, and a part of the name. What is absent or empty lets all runs pass. */
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

/** Every value that some run has, for each label. */
export function choices(runs: readonly RunEntry[]): Record<FilterKey, string[]> {
  const all = runs.map(labelsOf);
  return Object.fromEntries(filterKeys.map((key) => [key, [...new Set(all.flatMap((labels) => labels[key]))].sort()])) as Record<FilterKey, string[]>;
}

/** Whether the most comes first: of times and of the gap that is closed, unless the other way is asked for. */
export const descends = (key: SortKey, reverse: boolean): boolean => (key === 'started' || key === 'gap') !== reverse;

/** The newest first where nothing else is asked; numbers from the best or least on, and runs without one last. */
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
