import type { MemberOutcome, SweepRow, SweepTable } from '../activities/sweep-result.js';
import type { Best, Combination, StopWhen, SweepMetric } from '../app/config/sweep.js';
import { gapClosed } from './gap-closed.js';

/** Returns a metric of a member: a perplexity on its first text, or the mean accuracy over its tasks. Undefined if it has none. */
export function metricOf({ perplexity, accuracy }: Pick<MemberOutcome, 'perplexity' | 'accuracy'>, metric: SweepMetric): number | undefined {
  const first = (state: 'dense' | 'initial' | 'rebuilt'): number | undefined => Object.values(perplexity?.[state] ?? {})[0];
  const [dense, initial, rebuilt] = [first('dense'), first('initial'), first('rebuilt')];
  switch (metric) {
    case 'perplexity.initial':
      return initial;
    case 'perplexity.rebuilt':
      return rebuilt;
    case 'accuracy.initial':
      return accuracy?.initial;
    case 'accuracy.rebuilt':
      return accuracy?.rebuilt;
    case 'gapClosed':
      return gapClosed(dense, initial, rebuilt);
  }
}

/** Returns the best finished member. Ties go to the earlier one. */
export function bestOf(rows: readonly SweepRow[], best: Best | undefined): SweepTable['best'] {
  if (best === undefined) return undefined;
  const sign = best.goal === 'min' ? 1 : -1;
  const judged = rows.flatMap((row) => {
    const value = row.status === 'done' ? metricOf(row, best.metric) : undefined;
    return value === undefined ? [] : [{ name: row.name, value }];
  });
  const [first, ...others] = judged;
  if (first === undefined) return undefined;
  return { ...best, ...others.reduce((found, other) => (sign * other.value < sign * found.value ? other : found), first) };
}

/** Returns the members that are above the limit or fail a gate. Members whose gates failed have numbers, too. */
export function overLimit(rows: readonly SweepRow[], { metric, above = Infinity, gate }: StopWhen): SweepRow[] {
  return rows.filter((row) => {
    if (gate !== undefined) return row.status === 'gateFailed';
    const value = metric !== undefined && (row.status === 'done' || row.status === 'gateFailed') ? metricOf(row, metric) : undefined;
    return value !== undefined && value > above;
  });
}

/**
 * Returns why a member need not be run: a member with a smaller value at `along` and otherwise the same values is above the limit
 * or fails a gate. Undefined if there is no such member.
 * @param over from {@link overLimit}
 */
export function skipReason(values: Combination, over: readonly SweepRow[], { metric, above = Infinity, gate, along }: StopWhen): string | undefined {
  const hit = over.find((row) => isBeyond(values, row.values, along));
  if (hit === undefined) return undefined;
  return gate === undefined ? `${metric} of ${hit.name} is above ${above}` : `a quality gate of ${hit.name} failed`;
}

function isBeyond(values: Combination, other: Combination, along: string): boolean {
  const [here, there] = [values[along], other[along]];
  if (typeof here !== 'number' || typeof there !== 'number' || here <= there) return false;
  return [...new Set([...Object.keys(values), ...Object.keys(other)])].every((path) => path === along || values[path] === other[path]);
}
