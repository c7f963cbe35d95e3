/** Formats compared numbers and their differences, for a terminal and for a page. */
import { formatDuration, formatNumber, formatInteger, formatPercent } from '../format.js';
import type { ComparedNumber, NumberKind } from './compare-numbers.js';

/** A number of a run; `-` if it has none. */
export function valueText(kind: NumberKind, value: number | undefined): string {
  if (value === undefined) return '-';
  switch (kind) {
    case 'number':
      return formatNumber(value);
    case 'share':
      return formatPercent(Number(value.toPrecision(4)));
    case 'count':
      return formatInteger(value);
    case 'seconds':
      return formatDuration(value);
  }
}

/** The difference from the first run, with its sign: shares in points, others with the change in percent. */
export function differenceText({ kind, values: [first], differences }: Pick<ComparedNumber, 'kind' | 'values' | 'differences'>, run: number): string {
  const difference = differences[run];
  if (difference === undefined) return '';
  if (difference === 0) return 'same';
  const sign = difference > 0 ? '+' : '-';
  if (kind === 'share') return `${sign}${Number(Math.abs(100 * difference).toPrecision(3))} pt`;
  const amount = `${sign}${valueText(kind, Math.abs(difference))}`;
  return first === undefined || first === 0 ? amount : `${amount} (${sign}${Number(Math.abs((100 * difference) / first).toPrecision(2))} %)`;
}

/** Whether a difference is an improvement; undefined if neither number is better, or they are equal. */
export function isBetter({ better, differences }: Pick<ComparedNumber, 'better' | 'differences'>, run: number): boolean | undefined {
  const difference = differences[run];
  return better === undefined || difference === undefined || difference === 0 ? undefined : difference > 0 === (better === 'more');
}
