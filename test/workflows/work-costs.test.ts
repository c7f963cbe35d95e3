import { expect, it } from 'vitest';
import type { WorkCosts } from '../../activities/result.js';
import { addCosts } from '../../workflows/work-costs.js';

const cost = (factor: number, peakBytes?: number): WorkCosts => ({
  bytesUp: factor, bytesDown: 2 * factor, operations: 3 * factor,
  seconds: { products: 4 * factor, elementwise: 5 * factor, transfers: 6 * factor, javascript: 7 * factor, waiting: 8 * factor },
  ...(peakBytes !== undefined && { peakBytes }),
});

it('adds costs, but takes the larger of two peaks', () => {
  expect(addCosts(undefined, cost(1))).toEqual(cost(1));
  expect(addCosts(cost(1, 70), cost(2, 50))).toEqual(cost(3, 70));
  expect(addCosts(cost(1), cost(2, 50))).toEqual(cost(3, 50));
  expect(addCosts(cost(1), cost(2))).toEqual(cost(3));
});
