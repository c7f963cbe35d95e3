import { expect, it } from 'vitest';
import { unstructured } from '../../../../../science/methods/parts/pattern.js';
import { guardDefaults } from '../../../../../science/methods/rebuild/guarded/guard-defaults.js';
import { beginning, foldCount, nextRound, rulesOf } from '../../../../../science/methods/rebuild/guarded/round-rules.js';
import { tryRatios } from '../../../../../science/methods/rebuild/guarded/round-trials.js';

it('a ratio that helps is accepted, although the larger one tried before it gave NaN', async () => {
  const rules = rulesOf(guardDefaults, { pattern: unstructured, metric: 'weight-gradient' }, 0);
  const progress = beginning(rules);
  const round = nextRound(rules, progress, { count: foldCount, share: (folds) => folds.length / foldCount })!;
  const [masks, helpful] = [[1, 0, 1, 0], [0, 1, 1, 0]].map((mask) => new Map([['linear', Uint8Array.from(mask)]]));
  const tried: number[] = [];
  const made = await tryRatios({
    rules, progress, round, masks, errorBefore: 1,
    candidateAt: () => new Map(helpful),
    errorOf: (_, ratio) => (tried.push(ratio) === 1 ? NaN : 0.5),
  });
  expect(tried.length).toBe(2);
  expect(made!.report).toMatchObject({ ratio: tried[1], error: 0.5, accepted: true });
  expect(made!.accepted!.get('linear')).toEqual(helpful.get('linear'));
});
