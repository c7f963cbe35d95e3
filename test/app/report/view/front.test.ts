/** The Pareto front, compared with its definition. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { paretoFront } from '../../../../app/report/view/front.js';

const points = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), { maxLength: 14 });
const side = fc.constantFrom('less' as const, 'more' as const);

it('contains exactly the points that no other point beats', () => {
  fc.assert(fc.property(points, fc.tuple(side, side), (all, better) => {
    const asGood = (a: number, b: number, axis: number): boolean => (better[axis] === 'less' ? a <= b : a >= b);
    const beats = (a: readonly [number, number], b: readonly [number, number]): boolean => asGood(a[0], b[0], 0) && asGood(a[1], b[1], 1) && (a[0] !== b[0] || a[1] !== b[1]);
    expect(paretoFront(all, better)).toEqual(all.map((point) => !all.some((other) => beats(other, point))));
  }), { numRuns: 300 });
});
