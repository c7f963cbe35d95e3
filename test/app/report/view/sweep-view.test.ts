/** The view of a sweep: every member is there, sums match the totals, and nothing is NaN. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sweepView } from '../../../../app/report/view/sweep-view.js';
import type { SweepRow, SweepTable } from '../../../../workflows/sweep-protocol.js';
import { exampleSweep } from '../example-sweep.js';

// JSON has null for values that are not finite numbers.
const number = fc.oneof({ weight: 8, arbitrary: fc.double({ min: 1e-3, max: 1e6, noNaN: true }) }, fc.constant(null as unknown as number));
const rows = fc.array(fc.record({
  status: fc.constantFrom('done', 'gateFailed', 'failed', 'skipped', 'cancelled', 'waiting', 'running'),
  method: fc.constantFrom('a', 'b', undefined), sparsity: fc.constantFrom(0.1, 0.5, 0.9), found: fc.double({ min: 0, max: 1, noNaN: true }),
  dense: number, initial: number, rebuilt: number, accuracy: fc.option(number, { nil: undefined }), seconds: number, spent: fc.option(number, { nil: undefined }),
}), { maxLength: 12 }).map((all) => all.map(({ status, method, sparsity, found, dense, initial, rebuilt, accuracy, seconds, spent }, index): SweepRow => {
  const values = { ...(method !== undefined && { 'initialMask.method': method }), 'initialMask.sparsity': sparsity };
  const base = { name: `member=${index}`, workflowId: `w.${index}`, values, status: status };
  if (status !== 'done' && status !== 'gateFailed') return base;
  return { ...base, sparsity: found, seconds, spent, perplexity: { dense: { t: dense }, initial: { t: initial }, rebuilt: { t: rebuilt } }, ...(accuracy !== undefined && { accuracy: { rebuilt: accuracy } }) };
}));

/** All numbers at any depth of a computed value. */
const numbersOf = (value: unknown): number[] =>
  typeof value === 'number' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];

describe('view of a sweep', () => {
  it('has every member once, counts that add up, points for members with numbers, and finite numbers', () => {
    fc.assert(fc.property(rows, (all) => {
      const view = sweepView({ name: 's', axes: ['initialMask.method', 'initialMask.sparsity'], rows: all });
      const { members, statuses, notDone, qualities, settings, cost, ...rest } = view;
      const names = all.map(({ name }) => name).sort();
      expect(members.map(({ name }) => name).sort()).toEqual(names);
      expect(statuses.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
      const withNumbers = all.filter(({ perplexity }) => perplexity !== undefined);
      expect(notDone.length + withNumbers.length).toBe(all.length);
      expect(notDone.filter(({ why }) => why === '' || why.includes('undefined')).every(({ status }) => status === 'failed' || status === 'skipped')).toBe(true);
      const perplexity = qualities.find(({ kind }) => kind === 'perplexity');
      expect((perplexity?.points ?? []).map(({ member }) => member).sort()).toEqual(
        withNumbers.filter((row) => row.perplexity?.rebuilt?.t !== null && row.perplexity?.rebuilt !== undefined).map(({ name }) => name)
          .concat(withNumbers.filter((row) => row.perplexity?.rebuilt?.t === null && row.perplexity.initial?.t !== null).map(({ name }) => name)).sort(),
      );
      expect(cost.alone).toBeCloseTo(withNumbers.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0), 6);
      if (settings) for (const { at } of settings.lines) expect(at).toHaveLength(settings.axes.length);
      expect(numbersOf([rest, qualities, settings, cost]).filter((value) => !Number.isFinite(value))).toEqual([]);
    }), { numRuns: 150 });
  });

  it('has the fronts and costs of the example', () => {
    const { qualities, sparsest, cost, gaps } = sweepView(exampleSweep);
    expect(qualities.map(({ kind, dataset, dense, spread }) => [kind, dataset, dense, spread])).toEqual([['perplexity', 'a', 4, true], ['perplexity', 'b', 5, true], ['accuracy', undefined, 0.6, true]]);
    const [{ points }] = qualities;
    const named = (which: 'front' | 'worth'): string[] => points.filter((point) => point[which]).map(({ member }) => member).sort();
    // Wanda is better at 0.4, ADMM at 0.5, and only Wanda has 0.6.
    expect(named('front')).toEqual(['method=admm,sparsity=0.5', 'method=wanda,sparsity=0.4', 'method=wanda,sparsity=0.6']);
    // At 0.4, ADMM takes longer and is worse.
    expect(named('worth')).toEqual(['method=admm,sparsity=0.5', 'method=wanda,sparsity=0.4', 'method=wanda,sparsity=0.5', 'method=wanda,sparsity=0.6']);
    // At most 1.1 * 4. Of two members with the same sparsity, the better one.
    expect(sparsest).toEqual({ member: 'method=wanda,sparsity=0.4', sparsity: 0.4 });
    expect(cost).toEqual({ alone: 96, spent: 58, price: { alone: '9.60 EUR', spent: '5.80 EUR' } });
    // The highest is 1 - ln(4.25 / 4) / ln(5 / 4), the lowest 1 - ln(7 / 4) / ln(9 / 4).
    expect(gaps?.map((share) => share.toFixed(3))).toEqual(['0.310', '0.728']);
  });

  it('treats sparsities that differ by a few weights as equal', () => {
    const at = (name: string, sparsity: number, rebuilt: number): SweepRow => ({ ...exampleSweep.rows[0], name, sparsity, perplexity: { rebuilt: { a: rebuilt } } });
    const [{ points, spread }] = sweepView({ ...exampleSweep, rows: [at('a', 0.5, 5), at('b', 0.50001, 6)] }).qualities;
    expect(points.map(({ front }) => front)).toEqual([true, false]);
    expect(spread).toBe(false);
  });

  it('shows no costs for members from an older version', () => {
    const older = exampleSweep.rows.map((row) => ({ ...row, spent: undefined }));
    expect(sweepView({ ...exampleSweep, cost: undefined, rows: older }).cost).toEqual({ alone: 96 });
  });

  it('draws the limit of a gate only into the number that the gate checks', () => {
    const gated: SweepTable = { ...exampleSweep, rows: exampleSweep.rows.slice(0, 3).map((row) => ({ ...row, gates: [{ gate: 'g', asked: 'g', quantity: 'perplexity', comparison: '<=', limit: 10.5, found: row.perplexity?.rebuilt?.b ?? null, passed: true }] })) };
    expect(sweepView(gated).qualities.map(({ limits }) => limits)).toEqual([[], [10.5], []]);
    // For a gate on another number, one member's limit may match by chance.
    const chance = gated.rows.map((row, index) => ({ ...row, gates: [{ gate: 'g', asked: 'g', quantity: 'seconds' as const, comparison: '<=' as const, limit: 7, found: index === 0 ? 4.25 : 100, passed: true }] }));
    expect(sweepView({ ...gated, rows: chance }).qualities.map(({ limits }) => limits)).toEqual([[], [], []]);
  });

  it('orders settings by size, and puts the best member at 0', () => {
    const { settings } = sweepView(exampleSweep);
    expect(settings?.axes.map(({ name }) => name)).toEqual(['initialMask.method', 'initialMask.sparsity', 'work', 'gap closed', 'perplexity']);
    expect(settings?.lines.find(({ rank }) => rank === 0)).toMatchObject({ member: 'method=wanda,sparsity=0.4', at: [0, 0, 10, expect.closeTo(0.728, 3), 4.25] });
    expect(settings?.lines.find(({ rank }) => rank === 1)?.member).toBe('method=wanda,sparsity=0.6');
  });
});
