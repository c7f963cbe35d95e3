import type { ModelState } from '../config/pipeline.js';
import type { SweepMetric, SweepValue } from '../config/sweep.js';
import type { SweepRow, SweepTable } from '../../workflows/sweep-protocol.js';
import { metricOf } from '../../workflows/sweep-metric.js';
import { formatNumber, formatPercent } from './format.js';
import { states } from './states.js';

/** The table of a sweep or of a search. The best member of a search is not chosen by a metric. */
export type RunGroupTable = Omit<SweepTable, 'best'> & { best?: { name: string; metric?: SweepMetric; value?: number } };

/** A column of the table: its heading, a member's value, and its format for people. */
export interface Column {
  name: string;
  value: (row: SweepRow) => string | number | boolean | undefined;
  text?: (value: number) => string;
  /** Which of two numbers is better, if either is. */
  better?: 'less' | 'more';
}

export function columnsOf({ axes, rows }: RunGroupTable): Column[] {
  const datasets = (state: ModelState): string[] => [...new Set(rows.flatMap((row) => Object.keys(row.perplexity?.[state] ?? {})))];
  const several = new Set(states.flatMap(datasets)).size > 1;
  const perplexities = states.flatMap((state) =>
    datasets(state).map((dataset): Column => ({ name: several ? `${state} on ${dataset}` : state, value: ({ perplexity }) => perplexity?.[state]?.[dataset], text: formatNumber, better: 'less' })),
  );
  const gap: Column = { name: 'gap closed', value: (row) => metricOf(row, 'gapClosed'), text: (value) => `${(value * 100).toFixed(1)} %`, better: 'more' };
  const accuracies = states
    .filter((state) => rows.some(({ accuracy }) => accuracy?.[state] !== undefined))
    .map((state): Column => ({ name: `${state} accuracy`, value: ({ accuracy }) => accuracy?.[state], text: (value) => `${(value * 100).toFixed(2)} %`, better: 'more' }));
  return [
    ...axes.map((axis): Column => ({ name: axis, value: ({ values }) => values[axis] })),
    { name: 'status', value: ({ status }) => status },
    { name: 'sparsity found', value: ({ sparsity }) => sparsity, text: formatPercent },
    ...perplexities,
    ...(rows.some((row) => metricOf(row, 'gapClosed') !== undefined) ? [gap] : []),
    ...accuracies,
    { name: 'seconds', value: ({ seconds }) => seconds, text: (value) => value.toFixed(1), better: 'less' },
  ];
}

/** Sorts rows by their values, path by path: numbers by size, other values in their original order. */
export function inOrder({ axes, rows }: RunGroupTable): SweepRow[] {
  const places = new Map(axes.map((axis) => [axis, [...new Set(rows.map(({ values }) => values[axis]))]]));
  const compare = (axis: string, a: SweepValue | undefined, b: SweepValue | undefined): number => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    return (places.get(axis)?.indexOf(a as SweepValue) ?? 0) - (places.get(axis)?.indexOf(b as SweepValue) ?? 0);
  };
  return [...rows].sort((a, b) => axes.map((axis) => compare(axis, a.values[axis], b.values[axis])).find((order) => order !== 0) ?? 0);
}

/** The table of a sweep for people, heading first. The row of the best member is marked. */
export function sweepRows(table: RunGroupTable): string[][] {
  const columns = columnsOf(table);
  const body = inOrder(table).map((row) =>
    columns.map(({ name, value, text }) => {
      const found = value(row);
      const shown = found === undefined ? '' : typeof found === 'number' && text !== undefined ? text(found) : String(found);
      return name === 'status' && row.name === table.best?.name ? `${shown}, best` : shown;
    }),
  );
  return [columns.map(({ name }) => name), ...body];
}

/** The table as comma-separated values (RFC 4180), with full numbers. */
export function sweepCsv(table: RunGroupTable): string {
  const columns: Column[] = [...columnsOf(table), { name: 'member', value: ({ name }) => name }, { name: 'checkpoint', value: ({ checkpoint }) => checkpoint }];
  const lines = [columns.map(({ name }) => name), ...inOrder(table).map((row) => columns.map(({ value }) => String(value(row) ?? '')))];
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
