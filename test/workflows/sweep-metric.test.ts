import { expect, it } from 'vitest';
import { metricOf } from '../../workflows/sweep-metric.js';

it('returns the accuracy of the given state, and undefined without tasks', () => {
  const outcome = { accuracy: { dense: 0.6, initial: 0.4, rebuilt: 0.5 }, perplexity: { rebuilt: { a: 7 } } };
  expect([metricOf(outcome, 'accuracy.initial'), metricOf(outcome, 'accuracy.rebuilt'), metricOf(outcome, 'perplexity.rebuilt')]).toEqual([0.4, 0.5, 7]);
  expect(metricOf({ perplexity: {} }, 'accuracy.rebuilt')).toBeUndefined();
});
