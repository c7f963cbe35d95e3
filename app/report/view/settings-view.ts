/** All members of a sweep at once, with an axis for each setting that differs, and for each result. */
import { metricOf } from '../../../workflows/sweep-metric.js';
import type { SweepValue } from '../../config/sweep.js';
import type { SweepRow } from '../../../workflows/sweep-protocol.js';
import type { RunGroupTable } from '../sweep-table.js';
import { isFiniteNumber } from './is-finite-number.js';
import type { QualityView } from './quality-view.js';

export interface SettingsView {
  axes: SettingsAxis[];
  lines: SettingsLine[];
  /** Number of members with a result. If there are too many to see, only some are drawn, from the best to the worst. */
  members: number;
}

/** Maximum number of lines. */
export const maxSettingsLines = 240;

export type SettingsAxis = { name: string } & ({ kind: 'names'; names: string[] } | { kind: 'share' | 'seconds' | 'number' });

export interface SettingsLine {
  member: string;
  /** On each axis: an index into its names, or a number; undefined if the member has none. */
  at: (number | undefined)[];
  /** 0 for the best member, 1 for the worst. */
  rank: number;
}

/**
 * @returns undefined if fewer than two members have a result, or if they differ in fewer than two settings, because then other charts show
 * everything
 */
export function settingsView({ axes: paths, rows }: RunGroupTable, quality: QualityView | undefined): SettingsView | undefined {
  if (quality === undefined || quality.points.length < 2) return undefined;
  const byName = new Map(rows.map((row) => [row.name, row]));
  const members = quality.points.flatMap((point) => {
    const row = byName.get(point.member);
    return row === undefined ? [] : [{ point, row }];
  });
  const settings = paths.map((path) => settingAxis(path, members.map(({ row }) => row))).filter(({ count }) => count > 1);
  if (settings.length < 2) return undefined;
  const gapOf = (row: SweepRow): number | undefined => metricOf(row, 'gapClosed');
  const outcomes = [
    { axis: { name: 'work', kind: 'seconds' as const }, at: members.map(({ row }) => row.seconds) },
    ...(quality.kind === 'perplexity' ? [{ axis: { name: 'gap closed', kind: 'share' as const }, at: members.map(({ row }) => gapOf(row)) }] : []),
    { axis: { name: quality.kind, kind: quality.kind === 'accuracy' ? 'share' as const : 'number' as const }, at: members.map(({ point }) => point.value) },
  ].filter(({ at }) => at.some(isFiniteNumber));
  const columns = [...settings, ...outcomes];
  const ranks = ranksOf(quality);
  const lines = members.map(({ point }, index) => ({ member: point.member, at: columns.map(({ at }) => (isFiniteNumber(at[index]) ? at[index] : undefined)), rank: ranks.get(point.member) ?? 0 }));
  return { axes: columns.map(({ axis }) => axis), lines: evenly(lines), members: lines.length };
}

/** If there are too many lines, keeps some of every rank, including the best and the worst. */
function evenly(lines: readonly SettingsLine[]): SettingsLine[] {
  if (lines.length <= maxSettingsLines) return [...lines];
  const sorted = [...lines].sort((a, b) => a.rank - b.rank);
  return Array.from({ length: maxSettingsLines }, (_, index) => sorted[Math.round((index * (sorted.length - 1)) / (maxSettingsLines - 1))]);
}

const missing = '–';

/** Maximum number of values with room for their names. */
const maxNames = 12;

/**
 * Sorts numbers by size, and other values in the order of the members. A missing value comes last. If there are many numbers, the axis is
 * numeric.
 */
function settingAxis(path: string, rows: readonly SweepRow[]): { axis: SettingsAxis; at: (number | undefined)[]; count: number } {
  const values = [...new Set(rows.map(({ values: all }) => all[path]))].filter((value) => value !== undefined);
  const isNumeric = values.every((value) => typeof value === 'number');
  const sets = rows.map(({ values: all }) => all[path]);
  if (isNumeric && values.length > maxNames) return { axis: { name: path, kind: 'number' }, at: sets.map((value) => (typeof value === 'number' ? value : undefined)), count: values.length };
  const sorted = isNumeric ? values.sort((a, b) => a - b) : values;
  const places = new Map<SweepValue | undefined, number>(sorted.map((value, index) => [value, index]));
  const names = [...sorted.map(String), ...(sets.some((value) => value === undefined) ? [missing] : [])];
  return { axis: { name: path, kind: 'names', names }, at: sets.map((value) => places.get(value) ?? names.length - 1), count: names.length };
}

/** Ranks among all members, from 0 to 1. Equal members share a rank. */
function ranksOf({ kind, points }: QualityView): Map<string, number> {
  const sorted = [...new Set(points.map(({ value }) => value))].sort((a, b) => (kind === 'perplexity' ? a - b : b - a));
  const last = Math.max(1, sorted.length - 1);
  const places = new Map(sorted.map((value, index) => [value, index / last]));
  return new Map(points.map(({ member, value }) => [member, places.get(value) ?? 0]));
}
