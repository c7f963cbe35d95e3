import { memberName } from '../../../app/config/index.js';
import type { SweepRow, SweepTable } from '../../../workflows/sweep-protocol.js';

const rowOf = (method: string, sparsity: number, more: Partial<SweepRow>): SweepRow => {
  const values = { 'initialMask.method': method, 'initialMask.sparsity': sparsity };
  const name = memberName(values);
  return { name, workflowId: `id.${name}`, values, status: 'done', ...more };
};

const ended = (method: string, sparsity: number, initial: number, rebuilt: number, [seconds, spent]: [number, number], more: Partial<SweepRow> = {}): SweepRow =>
  rowOf(method, sparsity, {
    sparsity, seconds, spent, checkpoint: '/c', report: '/state/runs/x/report.md',
    perplexity: { dense: { a: 4, b: 5 }, initial: { a: initial, b: 2 * initial }, rebuilt: { a: rebuilt, b: 2 * rebuilt } },
    accuracy: { dense: 0.6, initial: 0.5 - sparsity / 10, rebuilt: 0.6 - sparsity / 10 }, chance: 0.25, ...more,
  });

/** A sweep whose members ended in every possible way. */
export const exampleSweep: SweepTable = {
  name: 'methods and sparsities',
  axes: ['initialMask.method', 'initialMask.sparsity'],
  cost: { perHour: 360, currency: 'EUR' },
  rows: [
    ended('wanda', 0.4, 5, 4.25, [10, 10]),
    ended('wanda', 0.5, 6, 5, [12, 4]),
    ended('wanda', 0.6, 9, 7, [11, 3], { status: 'gateFailed', because: 'small loss' }),
    ended('admm', 0.4, 4.8, 4.3, [30, 21]),
    ended('admm', 0.5, 5.5, 4.8, [33, 20]),
    rowOf('admm', 0.6, { status: 'failed', error: { type: 'NonFiniteValueError', message: 'NaN came out' } }),
    rowOf('wanda', 0.7, { status: 'skipped', because: 'a quality gate of sparsity=0.6 failed' }),
    rowOf('admm', 0.7, { status: 'waiting' }),
  ],
  best: { metric: 'perplexity.rebuilt', goal: 'min', name: 'method=wanda,sparsity=0.4', value: 4.25 },
};
