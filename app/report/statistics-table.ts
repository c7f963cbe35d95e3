import type { InitialMaskEntry } from '../../activities/result.js';
import { formatNumber, formatInteger } from './format.js';

export const statisticsNote =
  'Linears whose Hessian needed more damping than asked for, that have inputs which were zero on all calibration text, or whose expert got fewer tokens than experts.minTokens and so was pruned by |W| alone.';

/** Rows on where initial masks deviated from the request, by linear, heading first. Empty columns are left out. */
export function statisticsRows(linears: readonly InitialMaskEntry[]): string[][] {
  const columns: { head: string; of: (entry: InitialMaskEntry) => string | undefined }[] = [
    { head: 'damping', of: ({ damping }) => damping === undefined ? undefined : formatNumber(damping) },
    { head: 'dead inputs', of: ({ deadInputs }) => deadInputs === undefined ? undefined : formatInteger(deadInputs) },
    { head: 'tokens', of: ({ tokens }) => tokens === undefined ? undefined : formatInteger(tokens) },
  ];
  const told = columns.filter(({ of }) => linears.some((entry) => of(entry) !== undefined));
  return [['layer', 'linear', ...told.map(({ head }) => head)], ...linears.map((entry) => [String(entry.layer), entry.linear, ...told.map(({ of }) => of(entry) ?? '')])];
}
