/** The quality of a sweep's members over their sparsity or their cost, with one point for each. */
import type { EChartsOption } from 'echarts';
import { formatDuration, formatNumber } from '../format.js';
import { moneyText } from '../money.js';
import type { QualityPoint, QualityView } from '../view/quality-view.js';
import { colors, lineColors, lineSign } from './colors.js';
import { scaleOf, shareText } from './scale.js';

export interface QualityChart {
  option: EChartsOption;
  /** Tooltips, by series and point. */
  titles: string[][];
  legend: LegendEntry[];
}

export interface LegendEntry {
  name: string;
  color: string;
  sign: string;
}

/** Maximum number of lines that can be told apart. If there are more, all look the same. */
const maxLines = 12;
/** Maximum number of points with a tooltip. Tooltips of thousands of points would be most of the page. */
const maxTitles = 600;

/**
 * One line for each combination of the other values, over the actual sparsity. The Pareto front of several lines is a broad band below
 * them.
 */
export function sparsityChart(view: QualityView): QualityChart {
  const lines = groupsOf(view.points, 'line');
  // If there is only one line, most of it is the front.
  const front = lines.length < 2 ? [] : sorted(view.points.filter(({ front: is }) => is), 'sparsity');
  return chartOf(view, 'sparsity', lines, { below: front, joined: () => true });
}

/** One symbol for each requested sparsity, over the seconds of work. A line joins the members that are worth their cost. */
export function costChart(view: QualityView): QualityChart {
  return chartOf(view, 'seconds', groupsOf(view.points, 'asked'), { below: [], joined: ({ worth }) => worth });
}

type Place = 'sparsity' | 'seconds';

function chartOf(view: QualityView, x: Place, groups: readonly Group[], { below, joined }: { below: readonly QualityPoint[]; joined: (point: QualityPoint) => boolean }): QualityChart {
  const { points, dense, chance, limits, kind, cost } = view;
  const valueText = kind === 'perplexity' ? formatNumber : shareText;
  const priced = (seconds: number): string => [formatDuration(seconds), moneyText(seconds, { cost })].filter((text) => text !== undefined).join(', ');
  const placeText = x === 'sparsity' ? shareText : priced;
  const initials = x === 'sparsity' ? initialPoints(points) : [];
  const across = scaleOf(points.flatMap((point) => point[x] ?? []), x === 'sparsity' ? 'share' : 'seconds');
  const up = scaleOf([...points.map(({ value }) => value), ...initials.map(({ value }) => value), ...(dense === undefined ? [] : [dense]), ...(chance === undefined ? [] : [chance]), ...limits], kind === 'accuracy' ? 'share' : 'number');
  const at = (point: { sparsity?: number; seconds?: number; value: number }): [number, number] => [across.at(point[x] ?? NaN), up.at(point.value)];
  const titleOf = (point: QualityPoint): string => `${point.member}: ${kind} ${valueText(point.value)}${point[x] === undefined ? '' : `, ${placeText(point[x])}`}${point.missed ? ', a quality gate failed' : ''}`;
  const isTitled = points.length <= maxTitles;
  const series = drawnGroups(groups).flatMap(({ lines, color, symbol }) => {
    const placed = lines.map((line) => sorted(line, x));
    const marks = placed.flat().map((point) => ({ value: at(point), ...(point.missed && { symbol: 'diamond', symbolSize: 13, itemStyle: { color: 'transparent', borderColor: colors.bad, borderWidth: 2 } }) }));
    return [
      { line: { data: placed.flatMap((line) => [...line.filter(joined).map(at), gap]), lineStyle: { color, width: 1.6 }, symbol: 'none' as const }, titles: [] },
      { line: { data: marks, lineStyle: { width: 0, opacity: 0 }, symbol, symbolSize: isTitled ? 8 : 4, itemStyle: { color } }, titles: isTitled ? placed.flat().map(titleOf) : [] },
    ];
  });
  const band = { line: { data: below.map(at), lineStyle: { color: colors.rebuilt, width: 9, opacity: 0.25 }, symbol: 'none' as const }, titles: [] };
  const rings = { line: { data: initials.map(at), lineStyle: { width: 0, opacity: 0 }, symbol: 'circle', symbolSize: 6, itemStyle: { color: 'transparent', borderColor: colors.muted, borderWidth: 1.3 } }, titles: initials.map(({ value }) => `initial mask: ${kind} ${valueText(value)}`) };
  // An axis reaches only as far as its series, and lines beyond it would not be drawn.
  const [first] = points.map((point) => at(point)[0]).filter(Number.isFinite);
  const reach = { line: { data: [dense, chance, ...limits].filter((value) => value !== undefined).map((value) => [first ?? 0, up.at(value)]), lineStyle: { width: 0, opacity: 0 }, symbol: 'none' as const }, titles: [] };
  const all = [band, rings, ...series, reach];
  const marks = [
    ...(dense === undefined ? [] : [mark(up.at(dense), `dense\n${valueText(dense)}`, colors.dense, 'end')]),
    ...(chance === undefined ? [] : [mark(up.at(chance), `chance\n${valueText(chance)}`, colors.muted, 'end')]),
    ...limits.map((limit) => mark(up.at(limit), `gate ${valueText(limit)}`, colors.bad, 'insideStartTop')),
  ];
  return {
    titles: all.map(({ titles }) => titles),
    legend: groups.length > maxLines ? [] : groups.map(({ name, color, sign }) => ({ name, color, sign })),
    option: {
      textStyle: { fontFamily: 'inherit' },
      grid: { left: 62, right: dense === undefined && chance === undefined ? 20 : 56, top: 12, bottom: 46 },
      xAxis: { ...across.axis, name: x === 'sparsity' ? 'sparsity found' : 'work if run alone', nameLocation: 'middle', nameGap: 28, nameTextStyle: { color: colors.muted }, splitLine: { show: false } },
      yAxis: up.axis,
      series: all.map(({ line }, index) => ({ type: 'line' as const, z: index, ...line, ...(index === 0 && marks.length > 0 && { markLine: { silent: true, symbol: 'none', data: marks } }) })),
    },
  };
}

const mark = (yAxis: number, text: string, color: string, position: 'end' | 'insideStartTop') =>
  ({ yAxis, lineStyle: { type: 'dashed' as const, color, width: 1.3 }, label: { formatter: text, position, color, fontSize: 11 } });

interface Group extends LegendEntry {
  symbol: string;
  points: QualityPoint[];
}

function groupsOf(points: readonly QualityPoint[], by: 'line' | 'asked'): Group[] {
  const byName = new Map<string, QualityPoint[]>();
  for (const point of points) byName.set(point[by], [...(byName.get(point[by]) ?? []), point]);
  return [...byName.keys()].map((name, index) => {
    const [symbol, sign] = lineSign(index);
    return { name, symbol, sign, color: lineColors[index % lineColors.length], points: byName.get(name) ?? [] };
  });
}

/** Groups as drawn: if there are too many to be told apart, they are drawn as one. */
function drawnGroups(groups: readonly Group[]): { lines: QualityPoint[][]; color: string; symbol: string }[] {
  if (groups.length <= maxLines) return groups.map(({ points, color, symbol }) => ({ lines: [points], color, symbol }));
  return [{ lines: groups.map(({ points }) => points), color: colors.muted, symbol: 'circle' }];
}

/** Separates two lines within one series. */
const gap: (string | number)[] = ['-', '-'];

function sorted(points: readonly QualityPoint[], x: Place): QualityPoint[] {
  return points.filter((point) => point[x] !== undefined).sort((a, b) => (a[x] ?? 0) - (b[x] ?? 0));
}

/** Members with the same initial mask share one ring. */
function initialPoints(points: readonly QualityPoint[]): { sparsity: number; value: number }[] {
  const all = points.flatMap(({ sparsity, initial }) => (sparsity === undefined || initial === undefined ? [] : [{ sparsity, value: initial }]));
  return [...new Map(all.map((one) => [`${one.sparsity} ${one.value}`, one])).values()];
}
