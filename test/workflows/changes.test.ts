import fc from 'fast-check';
import { expect, it } from 'vitest';
import { changesBetween, withChanges } from '../../workflows/changes.js';

it('reproduces the other data, and does not modify the first', () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(json, json, (a, b) => {
      // As the value is sent: as JSON.
      const [from, to] = [a, b].map((value) => JSON.parse(JSON.stringify(value)) as unknown);
      const before = JSON.stringify(from);
      const sent = JSON.parse(JSON.stringify(changesBetween(from, to))) as ReturnType<typeof changesBetween>;
      expect(withChanges(from, sent)).toEqual(to);
      expect(JSON.stringify(from)).toBe(before);
    }),
  );
});

it('is small for small differences', () => {
  const from = { model: 'm', stages: [{ type: 'a', text: 'x'.repeat(1000) }, { type: 'b', sparsity: 0.5 }] };
  const to = { ...from, stages: [from.stages[0], { type: 'b', sparsity: 0.6 }] };
  expect(changesBetween(from, to)).toEqual([[['stages', '1', 'sparsity'], 0.6]]);
  expect(changesBetween(from, from)).toEqual([]);
});
