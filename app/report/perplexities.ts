import type { ModelState } from '../config/pipeline.js';
import { gapClosed } from '../../workflows/gap-closed.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { formatNumber } from './format.js';
import { states } from './states.js';

/** Rows of the table of perplexities, heading first, one for each dataset: dataset, the evaluated states, and the gap closed if known. */
export function perplexityRows({ perplexity }: Pick<PipelineResult, 'perplexity'>): string[][] {
  const judged = states.filter((state) => perplexity[state] !== undefined);
  const datasets = [...new Set(judged.flatMap((state) => Object.keys(perplexity[state] ?? {})))];
  if (datasets.length === 0) return [];
  const of = (state: ModelState, dataset: string) => perplexity[state]?.[dataset];
  const gaps = datasets.map((dataset) => gapClosed(of('dense', dataset), of('initial', dataset), of('rebuilt', dataset)));
  const showGap = gaps.some((gap) => gap !== undefined);
  const cell = (value: number | undefined) => (value === undefined ? '-' : formatNumber(value));
  const gapCell = (gap: number | undefined) => (gap === undefined ? '-' : `${(gap * 100).toFixed(1)} %`);
  return [
    ['perplexity', ...judged, ...(showGap ? ['gap closed'] : [])],
    ...datasets.map((dataset, row) => [dataset, ...judged.map((state) => cell(of(state, dataset))), ...(showGap ? [gapCell(gaps[row])] : [])]),
  ];
}
