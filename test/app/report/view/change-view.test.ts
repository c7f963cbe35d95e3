/** Where a rebuild changed the mask: every layer is there, sums match the totals, and nothing is NaN. Also margins of gates. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gateMargins } from '../../../../app/report/view/gates-view.js';
import { planRows } from '../../../../app/report/view/plan-view.js';
import { runView } from '../../../../app/report/view/run-view.js';
import { exampleRequest } from '../page/example-request.js';

const finite = (value: unknown): boolean =>
  typeof value === 'number' ? Number.isFinite(value) : typeof value !== 'object' || value === null || Object.values(value).every(finite);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const errors = fc.oneof(fc.constant(0), fc.double({ min: 1e-12, max: 1e6, noNaN: true }));

it('has every layer, sums equal to the totals, and only numbers', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.array(errors, { minLength: 24, maxLength: 24 }), fc.boolean(), (layers, values, accepted) => {
    const { result, pruned } = exampleRequest(layers);
    const entries = result.rebuild.layers.map((entry, index) => ({ ...entry, errorBefore: values[2 * index], errorAfter: values[2 * index + 1], rounds: [{ ratio: 0.1, errorBefore: values[index], error: values[index + 1], accepted }] }));
    const view = runView({ ...result, rebuild: { ...result.rebuild, layers: entries } }, pruned.proof);
    const all = Array.from({ length: layers }, (_, layer) => layer);
    const { map, change } = view;
    if (map === undefined || change === undefined) throw new Error('the map or the change is undefined');
    expect(finite(view)).toBe(true);
    for (const seen of [map.layers, change.layers, ...view.errors.map((panel) => panel.layers)]) expect(seen).toEqual(all);
    const linears = map.cells.flat().filter((cell) => cell !== undefined);
    expect(linears).toHaveLength(pruned.proof.linears.length);
    expect(sum(linears.map(({ zeros }) => zeros)) + (view.weights?.kept ?? NaN)).toBe(pruned.proof.weights);
    expect(sum(change.cells.flat().map((cell) => cell?.grown ?? NaN))).toBe(sum(entries.map(({ grown }) => grown)));
    for (const [column, block] of change.blocks.entries()) {
      const own = entries.filter((entry) => entry.block === block);
      expect(sum(change.cells.map((row) => row[column]?.error ?? NaN))).toBeCloseTo(own.some(({ errorAfter }) => errorAfter > 0) ? 1 : 0, 9);
    }
    expect(sum(planRows(result).map(({ made, found }) => made + found))).toBeCloseTo(view.seconds, 9);
  }), { numRuns: 60 });
});

it("gives the share of a sub-block's own weights that came back", () => {
  const { result, pruned } = exampleRequest(2);
  // 2 * 16 * 24 weights in attention, 2 * 40 * 16 in mlp; layer 1 grew 4 in each.
  expect(runView(result, pruned.proof).change?.cells[1].map((cell) => cell?.share)).toEqual([4 / 768, 4 / 1280]);
});

it('has positive margins exactly for passed gates', () => {
  const gate = (comparison: '<=' | '>=' | 'within', limit: number | null, found: number | null) => ({ gate: 'g', asked: 'g', quantity: 'perplexity' as const, comparison, limit, found, passed: true });
  expect(gateMargins([gate('<=', 8, 6), gate('<=', 8, 10), gate('>=', 8, 10), gate('within', 0.1, 0.5), gate('<=', null, 6), gate('<=', 0, 6)])).toEqual([0.25, -0.25, 0.25, undefined, undefined, undefined]);
});
