import { formatNumber, formatPercent } from '../format.js';
import { colors } from './colors.js';

export interface Scale {
  /** The chart library's options for a horizontal or vertical axis. */
  axis: {
    type: 'value';
    scale?: true;
    min?: number;
    max?: number;
    interval?: number;
    axisLabel: { color: string; hideOverlap: true; formatter: (value: number) => string };
    axisLine: { lineStyle: { color: string }; onZero: boolean };
    splitLine: { lineStyle: { color: string } };
  };
  /** Position of a number on the axis. */
  at: (value: number) => number;
}

/**
 * If numbers differ by more than this factor, they are shown on a logarithmic axis. Otherwise the small ones would lie on top of each
 * other.
 */
const farApart = { share: Infinity, seconds: 10, number: 4 };

/** Steps of a logarithmic axis, in decades. Ten steps of 0.1 give the preferred numbers 1, 1.25, 1.6, 2, ... */
const steps = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
const maxSteps = 7;

/** `share`: never logarithmic, because a share is bounded. `seconds`: in minutes or hours if there are many. */
export type ScaleKind = 'share' | 'seconds' | 'number';

/** Returns an axis for these numbers, with room around them. */
export function scaleOf(values: readonly number[], kind: ScaleKind): Scale {
  const [least, most] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  const { unit, text } = kind === 'seconds' ? timeUnit(most) : { unit: 1, text: kind === 'share' ? shareText : formatNumber };
  // Keep each axis at the edge, not at the zero of the other one.
  const line = { lineStyle: { color: colors.line }, onZero: false };
  const style = (labelOf: (value: number) => number) => ({
    axisLabel: { color: colors.muted, hideOverlap: true as const, formatter: (value: number) => text(labelOf(value)) }, axisLine: line, splitLine: line,
  });
  if (!(least > 0) || most <= farApart[kind] * least) return { axis: { type: 'value', scale: true, ...style(rounded) }, at: (value) => value / unit };
  const [low, high] = [Math.log10(least / unit), Math.log10(most / unit)];
  const interval = steps.find((step) => (high - low) / step <= maxSteps) ?? high - low;
  return {
    axis: { type: 'value', interval, min: interval * Math.floor(low / interval), max: interval * Math.ceil(high / interval), ...style((value) => twoDigits(10 ** value)) },
    at: (value) => Math.log10(value / unit),
  };
}

/** A share as axes show it, with four digits. */
export const shareText = (share: number): string => formatPercent(Number(share.toPrecision(4)));

/** Ticks are whole numbers of this unit. */
function timeUnit(most: number): { unit: number; text: (value: number) => string } {
  const [unit, name] = most >= 7200 ? [3600, 'h'] : most >= 120 ? [60, 'min'] : [1, 's'];
  return { unit, text: (value) => `${formatNumber(value)} ${name}` };
}

/** The library computes ticks by adding, which gives values like 0.30000000000000004. */
const rounded = (value: number): number => Number(value.toPrecision(10));
const twoDigits = (value: number): number => Number(value.toPrecision(2));
