import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxTried, nextPoint } from '../../workflows/bisection.js';

/** Searches as the workflow does. @returns the answer, and the points in the order in which they were tried */
function searched(count: number, passes: (index: number) => boolean): { answer: number | null; tried: number[] } {
  const passed = new Map<number, boolean>();
  for (;;) {
    const next = nextPoint(count, passed);
    if (!('point' in next)) return { answer: next.answer, tried: [...passed.keys()] };
    expect(passed.has(next.point), `${next.point} again`).toBe(false);
    expect(next.point).toBeGreaterThanOrEqual(0);
    expect(next.point).toBeLessThan(count);
    passed.set(next.point, passes(next.point));
  }
}

const grids = fc.integer({ min: 1, max: 1000 }).chain((count) => fc.record({ count: fc.constant(count), good: fc.integer({ min: 0, max: count }) }));

describe('bisection', () => {
  it('finds the last point that passes, in any grid and for any threshold', () => {
    fc.assert(
      fc.property(grids, ({ count, good }) => {
        const { answer, tried } = searched(count, (index) => index < good);
        // Find the answer by trying all points.
        const all = Array.from({ length: count }, (_, index) => index).filter((index) => index < good);
        expect(answer).toBe(all.at(-1) ?? null);
        expect(tried.length).toBeLessThanOrEqual(maxTried(count));
        expect(maxTried(count)).toBeLessThanOrEqual(Math.ceil(Math.log2(count)) + 2);
      }),
      { numRuns: 500 },
    );
  });

  it('tries at most the announced number of points, and reaches it', () => {
    for (const count of [1, 2, 3, 4, 5, 9, 17, 51, 100]) {
      const most = Math.max(...Array.from({ length: count + 1 }, (_, good) => searched(count, (index) => index < good).tried.length));
      expect(most, `${count} points`).toBe(maxTried(count));
    }
  });

  it('tries the ends first: one run shows that none passes, two that all do', () => {
    expect(searched(51, () => false)).toEqual({ answer: null, tried: [0] });
    expect(searched(51, () => true)).toEqual({ answer: 50, tried: [0, 50] });
    expect(searched(1, () => true)).toEqual({ answer: 0, tried: [0] });
    expect(searched(9, (index) => index <= 4)).toEqual({ answer: 4, tried: [0, 8, 4, 6, 5] });
  });

  it('finds a passing point just before a failing one if passing is not monotone', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }), (passes) => {
        const { answer, tried } = searched(passes.length, (index) => passes[index]);
        expect(tried.length).toBeLessThanOrEqual(maxTried(passes.length));
        if (answer === null) expect(passes[0]).toBe(false);
        else {
          expect(passes[answer]).toBe(true);
          expect(answer === passes.length - 1 || !passes[answer + 1]).toBe(true);
        }
      }),
    );
  });
});
