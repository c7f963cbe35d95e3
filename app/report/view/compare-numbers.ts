/** Compares the numbers of several runs with those of the first. */
import { gapClosed } from '../../../workflows/gap-closed.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { states } from '../states.js';
import type { Better } from './front.js';
import { isFiniteNumber } from './is-finite-number.js';

export type NumberKind = 'number' | 'share' | 'count' | 'seconds';

export interface ComparedNumber {
  name: string;
  kind: NumberKind;
  /** Which of two numbers is better, if either is. */
  better?: Better;
  /** By run; undefined if a run has no such number. */
  values: (number | undefined)[];
  /** Difference from the first run, by run; undefined for the first run, and if either number is missing. */
  differences: (number | undefined)[];
}

interface Row {
  name: string;
  kind: NumberKind;
  better?: Better;
  of: (result: PipelineResult) => number | null | undefined;
}

/** Returns the numbers in the order of a report. A number that no run has is left out. */
export function compareNumbers(results: readonly PipelineResult[]): ComparedNumber[] {
  return [...qualityRows(results), ...sparsityRows, ...errorRows(results), ...timeRows].flatMap(({ of, ...row }) => {
    const values = results.map((result) => {
      const value = of(result);
      return isFiniteNumber(value) ? value : undefined;
    });
    if (values.every((value) => value === undefined || (row.kind !== 'number' && value === 0))) return [];
    const [first] = values;
    const differences = values.map((value, index) => (index === 0 || first === undefined || value === undefined ? undefined : value - first));
    return [{ ...row, values, differences }];
  });
}

function qualityRows(results: readonly PipelineResult[]): Row[] {
  const namesIn = (of: (result: PipelineResult) => Partial<Record<string, object>>): string[] =>
    [...new Set(results.flatMap((result) => states.flatMap((state) => Object.keys(of(result)[state] ?? {}))))];
  const perplexities = namesIn(({ perplexity }) => perplexity).flatMap((dataset): Row[] => [
    ...states.map((state): Row => ({ name: `${state} perplexity on ${dataset}`, kind: 'number', better: 'less', of: ({ perplexity }) => perplexity[state]?.[dataset] })),
    { name: `gap closed on ${dataset}`, kind: 'share', better: 'more', of: ({ perplexity: { dense, initial, rebuilt } }) => gapClosed(dense?.[dataset], initial?.[dataset], rebuilt?.[dataset]) },
  ]);
  const tasks = namesIn(({ zeroShot = {} }) => zeroShot);
  const accuracies = tasks.flatMap((task) => states.map((state): Row => ({ name: `${state} accuracy, ${task}`, kind: 'share', better: 'more', of: ({ zeroShot }) => zeroShot?.[state]?.[task]?.acc })));
  return [...perplexities, ...accuracies];
}

const sparsityRows: readonly Row[] = [
  { name: 'sparsity found', kind: 'share', of: ({ sparsity, mask }) => (mask === '' ? undefined : sparsity.actual) },
  { name: 'weights grown', kind: 'count', of: ({ rebuild }) => rebuild.grown },
];

function errorRows(results: readonly PipelineResult[]): Row[] {
  const blocks = [...new Set(results.flatMap(({ rebuild }) => rebuild.layers.map(({ block }) => block)))];
  return blocks.map((block) => ({
    name: `error left, ${block}`, kind: 'number', better: 'less',
    of: ({ rebuild }) => {
      const own = rebuild.layers.filter((entry) => entry.block === block);
      return own.length === 0 ? undefined : own.reduce((sum, { errorAfter }) => sum + errorAfter, 0);
    },
  }));
}

const stages = { calibration: 'calibration', initialMask: 'initial mask', rebuild: 'rebuild', evaluation: 'evaluation', total: 'all stages' } as const;
const timeRows: readonly Row[] = (Object.keys(stages) as (keyof typeof stages)[]).map((stage) => ({ name: `time, ${stages[stage]}`, kind: 'seconds', better: 'less', of: ({ seconds }) => seconds[stage] }));
