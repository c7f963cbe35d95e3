/** Parallel coordinates: all members of a sweep at once, with one line for each, green for the best and brown for the worst. */
import type { EChartsOption } from 'echarts';
import type { SettingsAxis, SettingsView } from '../view/settings-view.js';
import { colors } from './colors.js';
import { scaleOf } from './scale.js';

export function settingsChart({ axes, lines }: SettingsView): EChartsOption {
  const scales = axes.map((axis, index) => scaleOfAxis(axis, lines.flatMap(({ at }) => at[index] ?? [])));
  const opacity = Math.max(0.3, Math.min(0.95, 40 / lines.length));
  return {
    textStyle: { fontFamily: 'inherit' },
    parallel: { left: 60, right: 90, top: 34, bottom: 22, parallelAxisDefault: { nameLocation: 'end', nameGap: 14, nameTextStyle: { color: colors.ink }, nameTruncate: { maxWidth: 150 } } },
    parallelAxis: scales.map(({ axis }, dim) => ({ ...axis, dim, name: axes[dim].name, axisLine: { lineStyle: { color: colors.muted } }, axisLabel: { ...axis.axisLabel, color: colors.muted, backgroundColor: 'var(--card)', padding: [1, 2] }, splitLine: { show: false } })),
    // Draw the best ones last, on top of the others.
    series: [...lines].sort((a, b) => b.rank - a.rank).map(({ at, rank }) => ({
      type: 'parallel' as const, lineStyle: { color: rankColor(rank), width: 2, opacity },
      data: [at.map((value, index) => (value === undefined ? '-' : scales[index].at(value)))],
    })),
  };
}

/** @param rank from 0 (best) to 1 (worst) */
export const rankColor = (rank: number): string => `color-mix(in srgb, ${colors.initial} ${Math.round(100 * rank)}%, ${colors.rebuilt})`;

function scaleOfAxis(axis: SettingsAxis, values: readonly number[]): { axis: { axisLabel?: object }; at: (value: number) => number } {
  if (axis.kind !== 'names') return scaleOf(values, axis.kind);
  return { axis: { type: 'category', data: axis.names, boundaryGap: true, axisTick: { show: false } } as object, at: (value) => value };
}
