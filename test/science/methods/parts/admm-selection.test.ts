import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { selectOn, tf, type Tensor2D } from '../../../../science/engine/index.js';
import type { AdmmBudget } from '../../../../science/methods/parts/admm-budget.js';
import { selectionOf } from '../../../../science/methods/parts/admm-selection.js';
import { openTestEngine } from '../../../helpers/engine.js';
import { needs, where } from '../../../helpers/needs.js';

beforeAll(() => openTestEngine(needs.tensorflow.met ? 'tensorflow' : 'wasm'));

const [outputs, inputs] = [6, 8] as const;

/** The choice that host or device makes, for scores in chunks of rows. */
async function chosen(place: 'host' | 'device', scores: readonly number[], heights: readonly number[], budget: AdmmBudget, share: number): Promise<{ mask: number[]; kept: number[] }> {
  selectOn(place);
  const selection = selectionOf(budget, [outputs, inputs]);
  selectOn(undefined);
  let row = 0;
  const chunks = heights.map((height) => {
    const state: Tensor2D = tf.tensor2d(scores.slice(row * inputs, (row + height) * inputs), [height, inputs]);
    row += height;
    return { row: row - height, state };
  });
  // The first choice is for other scores. Nothing of it may remain.
  await selection.choose(chunks.map((chunk) => ({ ...chunk, state: tf.neg(chunk.state.add<Tensor2D>(1)) })), 1);
  await selection.choose(chunks, share);
  const kept = chunks.flatMap((chunk) => {
    const tensor = selection.kept(chunk);
    const values = [...tensor.dataSync()];
    tensor.dispose();
    return values;
  });
  const mask = [...selection.mask()];
  selection.dispose();
  tf.dispose(chunks.map(({ state }) => state));
  return { mask, kept };
}

it('selects the same on the host and on the device, ties included, for any chunks', where(needs.tensorflow), async () => {
  const budgets: fc.Arbitrary<AdmmBudget> = fc.oneof(
    fc.array(fc.integer({ min: 0, max: inputs }), { minLength: outputs, maxLength: outputs }).map((rows) => Uint32Array.from(rows)),
    fc.constantFrom({ kind: 'N:M' as const, keep: 2, of: 4 }, { kind: 'N:M' as const, keep: 1, of: 8 }),
  );
  const scores = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: outputs * inputs, maxLength: outputs * inputs });
  await fc.assert(fc.asyncProperty(scores, budgets, fc.constantFrom([6], [2, 4], [1, 2, 3]), fc.double({ min: 0, max: 1, noNaN: true }), async (values, budget, heights, share) => {
    const host = await chosen('host', values, heights, budget, share);
    expect(host.kept).toEqual(host.mask);
    expect(await chosen('device', values, heights, budget, share)).toEqual(host);
  }), { numRuns: 40 });
});
