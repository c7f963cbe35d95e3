/** Draws quality over cost: how much of the gap from Wanda each method closes, and in how many forwards. */
import type { EChartsOption } from 'echarts';
import { chartSvg } from '../../../app/report/charts/svg.js';
import { groups, mean } from './lists.js';
import { patternName, type Section } from './table.js';

const size = { width: 800, height: 420 };

/** A method with one pattern: means over the small models. */
export interface EffortPoint {
  pattern: string;
  method: string;
  forwards: number;
  /** The gap closed, as a share. */
  closed: number;
}

/** Returns the methods that report forwards and were measured on all models with a single text. */
export function effortPoints(sections: readonly Section[]): EffortPoint[] {
  const small = sections.filter(({ rows }) => rows.some(({ perplexity }) => Object.keys(perplexity).length === 1));
  return groups(small.flatMap(({ rows }) => rows), ({ pattern, method }) => JSON.stringify([pattern, method])).flatMap((rows) => {
    const measured = rows.flatMap(({ forwards, closed }) => Object.values(closed).flatMap((share) => (share === undefined || forwards === undefined ? [] : [{ forwards, share }])));
    if (measured.length < small.length) return [];
    const [{ pattern, method }] = rows;
    return [{ pattern, method, forwards: mean(measured.map(({ forwards }) => forwards)), closed: mean(measured.map(({ share }) => share)) }];
  });
}

/** Draws a line per pattern through the efforts of `best`, and a mark for every other method. Returns undefined if there is nothing to draw. */
export function effortPicture(points: readonly EffortPoint[]): string | undefined {
  const patterns = [...new Set(points.map(({ pattern }) => pattern))];
  if (patterns.length === 0) return undefined;
  return chartSvg('effort', optionsFor(points, patterns), size);
}

const isBest = (method: string): boolean => method.startsWith('best');

function optionsFor(points: readonly EffortPoint[], patterns: readonly string[]): EChartsOption {
  const dataOf = (own: readonly EffortPoint[]) => own.map(({ forwards, closed, method }) => ({ name: method, value: [forwards, 100 * closed] }));
  return {
    backgroundColor: '#ffffff',
    legend: { bottom: 0, type: 'plain', data: patterns.map(patternName) },
    grid: { left: 70, right: 30, top: 20, bottom: 80 },
    xAxis: { type: 'log', name: 'forwards over the calibration windows', nameLocation: 'middle', nameGap: 30, min: 4, max: 50 },
    yAxis: { type: 'value', name: 'gap closed from Wanda, %', nameLocation: 'middle', nameGap: 45, scale: true },
    series: patterns.flatMap((pattern, index) => {
      const own = points.filter((point) => point.pattern === pattern).sort((a, b) => a.forwards - b.forwards);
      const color = ['#2563eb', '#0d9488', '#d97706', '#9333ea', '#dc2626'][index % 5];
      const labels = { show: true, fontSize: 10, position: 'bottom' as const, formatter: ({ name }: { name: string }) => name };
      return [
        { name: patternName(pattern), type: 'line' as const, color, symbol: 'circle', symbolSize: 7, data: dataOf(own.filter(({ method }) => isBest(method))) },
        { name: patternName(pattern), type: 'scatter' as const, color, symbol: 'diamond', symbolSize: 9, ...(index === 0 && { label: labels }), data: dataOf(own.filter(({ method }) => !isBest(method))) },
      ];
    }),
  };
}
