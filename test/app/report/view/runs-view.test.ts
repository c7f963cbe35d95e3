import { describe, expect, it } from 'vitest';
import { choices, isWanted, sorted, type RunEntry } from '../../../../app/report/view/runs-view.js';

const figures = (rebuilt: number, gap: number) => ({ dataset: 'a', rebuilt, gap, sparsity: 0.5, seconds: 1 });
const runs: RunEntry[] = [
  { name: 'Alpha', status: 'completed', started: '2026-01-01', model: 'm', sparsity: 0.5, pattern: 'unstructured', methods: ['wanda', 'guarded'], figures: figures(5, 0.2) },
  { name: 'beta', status: 'running', started: '2026-01-03', model: 'n', sparsity: 0.6, methods: ['wanda'], gate: 'pending' },
  { name: 'gamma', status: 'completed', started: '2026-01-02', figures: figures(3, 0.9) },
];
const named = (list: readonly RunEntry[]): string[] => list.map(({ name }) => name);

describe('filters of runs', () => {
  it.each([
    [{}, ['Alpha', 'beta', 'gamma']],
    [{ name: 'ALPH' }, ['Alpha']],
    [{ method: 'wanda' }, ['Alpha', 'beta']],
    [{ method: 'wanda', status: 'completed' }, ['Alpha']],
    [{ sparsity: '0.6' }, ['beta']],
    [{ gate: 'pending', model: '' }, ['beta']],
    [{ model: 'other' }, []],
  ])('select by %j', (filter, found) => {
    expect(named(runs.filter((run) => isWanted(run, filter)))).toEqual(found);
  });

  it('offer the values that runs have', () => {
    expect(choices(runs)).toEqual({ status: ['completed', 'running'], model: ['m', 'n'], sparsity: ['0.5', '0.6'], pattern: ['unstructured'], method: ['guarded', 'wanda'], gate: ['pending'] });
  });
});

describe('sorting of runs, with missing values last in both directions', () => {
  it.each([
    ['started', false, ['beta', 'gamma', 'Alpha']],
    ['started', true, ['Alpha', 'gamma', 'beta']],
    ['rebuilt', false, ['gamma', 'Alpha', 'beta']],
    ['rebuilt', true, ['Alpha', 'gamma', 'beta']],
    ['gap', false, ['gamma', 'Alpha', 'beta']],
    ['sparsity', false, ['Alpha', 'gamma', 'beta']],
  ] as const)('by %s, reverse: %s', (key, reverse, order) => {
    expect(named(sorted(runs, key, reverse))).toEqual(order);
  });
});
