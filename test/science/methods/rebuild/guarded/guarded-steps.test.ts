/** Runs guarded rebuilds step by step from shards of the windows, and compares them with a rebuild in one process. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import { guardedRebuild, TotalSums, unstructured } from '../../../../../science/methods/index.js';
import { parts } from '../../../../../science/methods/rebuild/guarded/parts.js';
import { ratiosWithin, searchRatio } from '../../../../../science/methods/rebuild/guarded/ratio-search.js';
import type { ChosenPart, CommonSettings, StepState } from '../../../../../science/methods/rebuild/method.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { errorOf, forward, linears, masked, sequences, toBatches, toTensors, toy, toyWeights, type Sequence } from '../toy-sub-block.js';

beforeAll(() => openTestEngine());

/** In every linear the larger half of the weights is pruned, so that there is much to gain. */
const masks = new Map(linears.map(({ name }) => {
  const sizes = [...toyWeights().get(name)!].map(Math.abs);
  const middle = [...sizes].sort((a, b) => a - b)[sizes.length / 2];
  return [name, Uint8Array.from(sizes, (size) => Number(size < middle))];
}));
const common: CommonSettings = { granularity: 'block', metric: 'weight-gradient', weights: 'keep-updates' };
const settings = { rounds: 6, tolerance: 0.001, budget: 40 };

/** Rebuilds the toy. What goes from step to step goes through JSON, as in the store. */
async function inShards(shards: readonly Sequence[][], more: Partial<CommonSettings> = {}, set: Partial<typeof settings> = {}): Promise<ChosenPart & { steps: number }> {
  const dense = toTensors(toyWeights());
  const request = { subBlock: toy, dense, masks, updates: new Map(), pattern: unstructured, common: { ...common, ...more }, settings: { ...settings, ...set }, round: (_: string, values: Float32Array) => values };
  const total = shards.flat().length;
  let state: StepState | undefined;
  for (let steps = 1; ; steps++) {
    const sums = new TotalSums();
    for (const [first, own] of shards.entries()) {
      const windows = await parts.open({ ...request, hidden: toBatches(own, 3), own: { first, step: shards.length, total } });
      const gathered = await parts.gather(request, windows, state);
      for (const [name, values] of await gathered.download()) sums.add(name, values);
      gathered.dispose();
      windows.dispose();
    }
    const gathered = parts.restore(toy, sums.total);
    const chosen = await parts.choose(request, gathered, state);
    gathered.dispose();
    if (!('next' in chosen)) {
      tf.dispose([...dense.values()]);
      return { ...chosen, steps };
    }
    state = { ...chosen.next, notes: JSON.parse(JSON.stringify(chosen.next.notes)) as object };
  }
}

/** Deals windows out to shards. */
function deal(all: readonly Sequence[], shards: number): Sequence[][] {
  return Array.from({ length: shards }, (_, shard) => all.filter((_, window) => window % shards === shard));
}

const eight = sequences(8, 5);
const sixteen = sequences(16, 5);

/** Steps of the rounds. If a round can change no weight, there are no errors to measure. */
const stepsOf = ({ rounds = [] }: ChosenPart['report']): number => rounds.reduce((sum, { error, errorBefore }) => sum + (error === errorBefore ? 1 : 2), 0);

describe('a guarded rebuild in shards', () => {
  it.each([
    { name: 'one', all: eight, shards: 1 },
    { name: 'two that have windows of all folds', all: sixteen, shards: 2 },
    { name: 'three of different sizes', all: eight, shards: 3 },
    { name: 'four of two windows', all: eight, shards: 4 },
    { name: 'eight of one window', all: eight, shards: 8 },
  ])('decides as one process does: $name', async ({ all, shards }) => {
    for (const more of [{}, { weights: 'refit' }, { metric: 'weight', granularity: 'input' }] as const) {
      const made = await inShards(deal(all, shards), more);
      const whole = await guardedRebuild({
        subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(toyWeights()), masks,
        settings: { ...common, ...more, ratio: 1, pattern: unstructured }, guard: settings, round: (_, values) => values,
      });
      expect(new Map(made.masks)).toEqual(new Map(whole.masks));
      expect(made.report.rounds?.map(({ ratio, accepted }) => ({ ratio, accepted }))).toEqual(whole.report.rounds.map(({ ratio, accepted }) => ({ ratio, accepted: accepted && !whole.report.undone })));
      for (const [index, round] of whole.report.rounds.entries()) {
        expect(made.report.rounds![index].errorBefore / round.errorBefore).toBeCloseTo(1, 5);
        expect(made.report.rounds![index].error / round.error).toBeCloseTo(1, 5);
      }
      expect(made.report.forwards).toBeCloseTo(whole.report.forwards, 10);
      expect(made.report.refit?.accepted).toBe(whole.report.refit?.accepted);
      for (const [name, values] of made.updates ?? []) values.forEach((value, i) => { expect(Math.abs(value - whole.updates!.get(name)![i])).toBeLessThan(1e-3); });
      expect(made.updates?.size).toBe(whole.updates?.size);
    }
    const { report } = await inShards(deal(all, shards));
    // The first round learns from half of the windows and judges on the next quarter, all computed by hand.
    const judging = all.slice(all.length / 2, (3 * all.length) / 4);
    const mean = (windows: readonly Sequence[]): number => windows.reduce((sum, one) => sum + errorOf(forward(one, masked(toyWeights(), masks)), forward(one, toyWeights())), 0) / windows.length;
    expect(report.rounds![0].errorBefore / mean(judging)).toBeCloseTo(1, 5);
    expect(report.errorBefore / mean(all)).toBeCloseTo(1, 5);
  });

  it('takes two steps for a round, two for a refit, and one at the end; only one if there is no budget', async () => {
    const shards = deal(sixteen, 2);
    const { report, steps } = await inShards(shards, { granularity: 'input' });
    expect(report.rounds!.length).toBeGreaterThan(1);
    expect(steps).toBe(stepsOf(report) + 1);
    const fitted = await inShards(shards, { granularity: 'input', weights: 'refit' });
    expect(fitted.steps).toBe(stepsOf(fitted.report) + 3);
    const none = await inShards(shards, {}, { budget: 0 });
    expect(none).toMatchObject({ steps: 1, report: { grown: 0, pruned: 0, rounds: [], forwards: 3 } });
    expect(new Map(none.masks)).toEqual(masks);
  });

  it('restores the first masks if all windows together get worse', async () => {
    // The last window of each shard is in the last fold, which neither teaches nor judges the only round. It can be an outlier.
    const [a, b, c, d, e, f] = eight;
    let undone = 0;
    for (let outlier = 10; outlier <= 14; outlier++) {
      const large = sequences(outlier + 2, 5).slice(outlier).map((sequence) => sequence.map((h, t) => h.map((value, i) => ((t + i + outlier) % 3 === 0 ? -30 : 4) * value)));
      const made = await inShards([[a, b, e, large[0]], [c, d, f, large[1]]], { granularity: 'layer' }, { rounds: 1 });
      const [{ error, errorBefore, accepted }] = made.report.rounds!;
      if (accepted || error >= errorBefore * (1 - settings.tolerance)) continue;
      undone++;
      expect(new Map(made.masks)).toEqual(masks);
      expect(made.report).toMatchObject({ grown: 0, pruned: 0 });
    }
    expect(undone).toBeGreaterThan(0);
  });

  it('frees everything but its result', async () => {
    const before = tf.memory().numTensors;
    await inShards(deal(sixteen, 2), { weights: 'refit' });
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('ratiosWithin has every ratio that a search tries', async () => {
  const ladder = [0.8, 0.4, 0.2, 0.1, 0.05, 0.025];
  const drawn = fc.record({ errors: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 6, maxLength: 6 }), noSwap: fc.integer({ min: 0, max: 6 }), start: fc.integer({ min: 0, max: 5 }), towards: fc.constantFrom<-1 | 1>(-1, 1), trials: fc.integer({ min: 1, max: 3 }) });
  await fc.assert(fc.asyncProperty(drawn, async ({ errors, noSwap, start, towards, trials }) => {
    // The smallest ratios are too small for a swap. Swaps change the error 10.
    const isSwap = (ratio: number): boolean => ladder.indexOf(ratio) < noSwap;
    const error = (ratio: number): number => (isSwap(ratio) ? errors[ladder.indexOf(ratio)] + 0.5 : 10);
    let left = trials;
    const tried = await searchRatio({ ladder, start, error: 10, towards, mayTry: () => left > 0, attempt: (ratio) => {
      if (isSwap(ratio)) left--;
      return Promise.resolve(error(ratio));
    } });
    expect(ratiosWithin({ ladder, start, towards }, trials, isSwap)).toEqual(expect.arrayContaining(tried.map(({ ratio }) => ratio)));
  }));
});
