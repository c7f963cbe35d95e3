/** A sweep or a search as its page shows it. Pure: the same table gives the same view. */
import type { RunGroupTable } from '../sweep-table.js';
import { inOrder } from '../sweep-table.js';
import { metricOf } from '../../../workflows/sweep-metric.js';
import { moneyText } from '../money.js';
import { isFiniteNumber } from './is-finite-number.js';
import { qualityViews, type JudgedRow, type QualityView } from './quality-view.js';
import { settingsView, type SettingsView } from './settings-view.js';

export interface SweepView {
  title: string;
  axes: string[];
  statuses: { status: string; count: number }[];
  /** All members, sorted by their values. */
  members: JudgedRow[];
  qualities: QualityView[];
  settings?: SettingsView;
  /** The best member, and the number that decided, if a number did. */
  best?: { member: string; metric?: string; value?: number };
  /** The sparsest member whose perplexity is at most 10 % above the dense model's; null if there is none. */
  sparsest?: { member: string; sparsity: number } | null;
  /** Smallest and largest share of the initial mask's damage that a rebuild undid. */
  gaps?: [least: number, most: number];
  cost: CostView;
  /** Members without numbers, and the reason. */
  notDone: { member: string; status: string; why: string }[];
}

export interface CostView {
  /** Seconds of work if each member had run alone. */
  alone: number;
  /** Seconds of work of all members together; absent if older members do not report it. */
  spent?: number;
  /** The same in money, if the sweep's pipeline has a price of an hour. */
  price?: { alone: string; spent?: string };
}

/** A perplexity up to this factor above the dense model's counts as near. */
export const near = 1.1;

export function sweepView(table: RunGroupTable): SweepView {
  const members: JudgedRow[] = inOrder(table);
  const qualities = qualityViews(members, table.cost);
  const [first] = qualities;
  const settings = settingsView({ ...table, rows: members }, first);
  const gaps = members.map((row) => metricOf(row, 'gapClosed')).filter(isFiniteNumber);
  const statuses = [...new Set(members.map(({ status }) => status))];
  const { best } = table;
  return {
    title: table.name,
    axes: table.axes,
    statuses: statuses.map((status) => ({ status, count: members.filter((row) => row.status === status).length })),
    members, qualities,
    ...(settings && { settings }),
    ...(best && { best: { member: best.name, ...(best.metric && { metric: best.metric }), ...(isFiniteNumber(best.value) && { value: best.value }) } }),
    ...(first?.kind === 'perplexity' && first.dense !== undefined && { sparsest: sparsestNear(first, first.dense) }),
    ...(gaps.length > 0 && { gaps: [Math.min(...gaps), Math.max(...gaps)] as [number, number] }),
    cost: costOf(members, table.cost),
    notDone: members.filter(({ status }) => status !== 'done' && status !== 'gateFailed').map(({ name, status, because, error }) => ({
      member: name, status, why: error === undefined ? (because ?? reasons[status] ?? '') : `${error.message} (${error.type})`,
    })),
  };
}

const reasons: Partial<Record<string, string>> = {
  cancelled: 'It was cancelled, alone or with all others.',
  waiting: 'It was not started: the sweep ended before its turn.',
  running: 'It was still running when this was written.',
};

function sparsestNear({ points }: QualityView, dense: number): SweepView['sparsest'] {
  const good = points.flatMap(({ member, value, sparsity }) => (sparsity !== undefined && value <= near * dense ? [{ member, value, sparsity }] : []));
  const [first] = good.sort((a, b) => b.sparsity - a.sparsity || a.value - b.value);
  return first === undefined ? null : { member: first.member, sparsity: first.sparsity };
}

/** Returns the cost of all members. */
export function costOf(members: readonly JudgedRow[], cost?: RunGroupTable['cost']): CostView {
  const ended = members.filter(({ seconds }) => isFiniteNumber(seconds));
  const sum = (of: (row: JudgedRow) => number | undefined): number => ended.reduce((total, row) => total + (of(row) ?? 0), 0);
  const alone = sum(({ seconds }) => seconds);
  const spent = ended.length > 0 && ended.every((row) => isFiniteNumber(row.spent)) ? sum((row) => row.spent) : undefined;
  const price = moneyText(alone, { cost });
  const spentPrice = spent === undefined ? undefined : moneyText(spent, { cost });
  return { alone, ...(spent !== undefined && { spent }), ...(price !== undefined && { price: { alone: price, ...(spentPrice !== undefined && { spent: spentPrice }) } }) };
}
