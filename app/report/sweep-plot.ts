import type { EChartsOption } from 'echarts';
import type { SweepMetric, SweepValue } from '../config/sweep.js';
import { metricOf } from '../../workflows/sweep-metric.js';
import type { SweepRow } from '../../workflows/sweep-protocol.js';
import { chartSvg } from './charts/svg.js';
import { formatNumber } from './format.js';
import type { RunGroupTable } from './sweep-table.js';

export interface Series {
  name: string;
  /** `missed`: a quality gate of this point failed. */
  points: { x: SweepValue; y: number; missed?: true }[];
}

/** The content of a plot: a metric over the values of one path, with a line for each combination of the other paths. */
export interface PlotData {
  x: string;
  y: SweepMetric;
  /** The values along x, in the order of the table, if they are not numbers. */
  categories?: SweepValue[];
  series: Series[];
  /** Perplexity of the dense model, if it is the same for all. */
  dense?: number;
}

/** Chooses what to plot: perplexity over sparsity, otherwise over the first path with numbers, otherwise over the first path. */
export function plotData({ axes, rows, best }: RunGroupTable): PlotData | undefined {
  const numeric = (axis: string): boolean => rows.every(({ values }) => typeof values[axis] === 'number');
  const x = axes.find((axis) => axis.endsWith('.sparsity') && numeric(axis)) ?? axes.find(numeric) ?? axes[0];
  const done = rows.filter(({ status }) => status === 'done' || status === 'gateFailed');
  const has = (metric: SweepMetric): boolean => done.some((row) => metricOf(row, metric) !== undefined);
  const wanted: SweepMetric[] = [...(best?.metric === undefined ? [] : [best.metric]), 'perplexity.rebuilt', 'perplexity.initial', 'accuracy.rebuilt', 'accuracy.initial'];
  const y = wanted.find(has);
  if (x === undefined || y === undefined) return undefined;
  const series = new Map<string, Series['points']>();
  for (const row of done) {
    const value = metricOf(row, y);
    if (value === undefined || row.values[x] === undefined) continue;
    const name = seriesName(row, axes, x);
    series.set(name, [...(series.get(name) ?? []), { x: row.values[x], y: value, ...(row.status === 'gateFailed' && { missed: true as const }) }]);
  }
  const isNumeric = numeric(x);
  const sorted = [...series].map(([name, points]) => ({ name, points: isNumeric ? points.sort((a, b) => Number(a.x) - Number(b.x)) : points }));
  const denses = new Set(done.map(({ perplexity }) => Object.values(perplexity?.dense ?? {})[0]));
  const [dense] = denses;
  return {
    x,
    y,
    ...(!isNumeric && { categories: [...new Set(rows.flatMap(({ values }) => (values[x] === undefined ? [] : [values[x]])))] }),
    series: sorted,
    ...(denses.size === 1 && dense !== undefined && y.startsWith('perplexity') && { dense }),
  };
}

function seriesName({ values }: SweepRow, axes: readonly string[], x: string): string {
  const others = axes.filter((axis) => axis !== x && values[axis] !== undefined);
  return others.map((axis) => `${axis} ${String(values[axis])}`).join(', ') || 'all';
}

/** Style of points whose quality gate failed. */
const ofMissed = { symbol: 'diamond', symbolSize: 12, itemStyle: { color: '#c00' } };

const size = { width: 800, height: 500 };

/** The plot as SVG; undefined if no member has anything to show yet. */
export function sweepPlot(table: RunGroupTable): string | undefined {
  const data = plotData(table);
  if (data === undefined) return undefined;
  return chartSvg('plot', optionsFor(table.name, data), size);
}

function optionsFor(title: string, { x, y, categories, series, dense }: PlotData): EChartsOption {
  const all = series.flatMap(({ points }) => points.map((point) => point.y));
  // Perplexity explodes where too much is pruned, but the interesting part is before that.
  const isLog = y.startsWith('perplexity') && Math.max(...all) > 20 * Math.min(...all);
  const at = (value: SweepValue): string | number => (categories === undefined ? Number(value) : String(value));
  const baseline = dense === undefined ? {} : {
    markLine: { silent: true, symbol: 'none', lineStyle: { type: 'dashed' as const, color: '#666' }, label: { formatter: `dense ${formatNumber(dense)}`, position: 'insideEndTop' as const }, data: [{ yAxis: dense }] },
  };
  return {
    backgroundColor: '#ffffff',
    title: { text: title, left: 'center' },
    legend: { bottom: 0, type: 'plain' },
    grid: { left: 80, right: 40, top: 50, bottom: 90 },
    xAxis: categories === undefined
      ? { type: 'value', name: x, nameLocation: 'middle', nameGap: 30, scale: true }
      : { type: 'category', name: x, nameLocation: 'middle', nameGap: 30, data: categories.map(String) },
    yAxis: { type: isLog ? 'log' : 'value', name: y, nameLocation: 'middle', nameGap: 55, scale: true, ...(dense !== undefined && { min: ({ min }: { min: number }) => Math.min(min, dense) }) },
    series: series.map(({ name, points }, index) => ({ name, type: 'line', symbolSize: 7, data: points.map(({ x: place, y: value, missed }) => (missed === true ? { ...ofMissed, value: [at(place), value] } : [at(place), value])), ...(index === 0 && baseline) })),
  };
}
