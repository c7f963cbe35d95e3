import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../../science/engine/index.js';
import { checkRebuiltMasks, guardDefaults, guardedRebuild, layerForward, parsePattern, refitForwards, unstructured } from '../../../../../science/methods/index.js';
import type { GuardRound, GuardSettings, Pattern, RebuildSettings, Updates } from '../../../../../science/methods/index.js';
import { pairSelection } from '../../../../../science/methods/parts/pattern-pairs.js';
import { searchRatio } from '../../../../../science/methods/rebuild/guarded/ratio-search.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { errorOf, forward, linears, masked, sequences, toBatches, toTensors, toy, toyWeights } from '../toy-sub-block.js';

const all = sequences(8, 5);
/** In every linear the larger half of the weights is pruned, so that there is much to gain. */
const masks = new Map(linears.map(({ name }) => {
  const sizes = [...toyWeights().get(name)!].map(Math.abs);
  const middle = [...sizes].sort((a, b) => a - b)[sizes.length / 2];
  return [name, Uint8Array.from(sizes, (size) => Number(size < middle))];
}));
const settings: RebuildSettings = { granularity: 'input', ratio: 0.1, metric: 'weight-gradient', pattern: unstructured };
const guard: GuardSettings = { rounds: 6, ratios: [1, 0.5, 0.25], tolerance: 0, budget: 40 };

function errorUnder(used: ReadonlyMap<string, Uint8Array>): number {
  const dense = toyWeights();
  return all.reduce((sum, sequence) => sum + errorOf(forward(sequence, masked(dense, used)), forward(sequence, dense)), 0) / all.length;
}

/** The third input of every token follows from the others, sin(u + 14) = 2 cos(7) sin(u + 7) - sin(u), so its weights can be compensated. */
function fitted(): { masks: Map<string, Uint8Array>; updates: Map<string, Float32Array> } {
  const compensated = (values: Float64Array): Float32Array =>
    Float32Array.from(values, (value, i) => value + [-1, 2 * Math.cos(7), 0][i % 3] * values[i - (i % 3) + 2]);
  const inputs = linears.slice(0, 2).map(({ name }) => name);
  return {
    masks: new Map(linears.map(({ name, shape: [outputs, width] }) => [name, Uint8Array.from({ length: outputs * width }, (_, i) => Number(name === 'out' || i % 3 !== 2))])),
    updates: new Map(inputs.map((name) => [name, compensated(toyWeights().get(name)!)])),
  };
}

beforeAll(() => openTestEngine());

describe('guardedRebuild', () => {
  it.each(['block', 'layer', 'output', 'input'] as const)('lowers the true error within the budget of every group, by %s', async (granularity) => {
    const { masks: after, report } = await guardedRebuild({ subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(toyWeights()), masks, settings: { ...settings, granularity }, guard });
    expect(report.errorBefore / errorUnder(masks)).toBeCloseTo(1, 5);
    expect(report.errorAfter / errorUnder(after)).toBeCloseTo(1, 5);
    expect(report.errorAfter).toBeLessThanOrEqual(report.errorBefore);
    const named = (from: ReadonlyMap<string, Uint8Array>) => linears.map(({ name, shape }) => ({ name, shape, mask: from.get(name)! }));
    checkRebuiltMasks(named(masks), named(after), { granularity, pattern: unstructured });
    if (granularity === 'input') expect(report.errorAfter).toBeLessThan(report.errorBefore);
  });

  it('gives the same bits every time, and runs on like any other forward under its masks', async () => {
    const run = () => guardedRebuild({ subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(toyWeights()), masks, settings, guard });
    const [one, two] = [await run(), await run()];
    expect(two.masks).toEqual(one.masks);
    expect(two.report).toEqual(one.report);
    const identity = { ...toy, inputs: [], core: (): Tensor3D => tf.zeros([1, 1, 4]), leave: (h: Tensor3D): Tensor3D => h };
    const weights = toTensors(toyWeights());
    const again = await layerForward({ layer: { index: 0, tensors: [], subBlocks: [toy, identity] }, hidden: toBatches(all, 3), weights, masks: one.masks });
    expect(again.map((batch) => batch.dataSync())).toEqual(one.hidden.map((batch) => batch.dataSync()));
  });

  it('reports every round, undoes the last one if it did not help, and stays within its budget', async () => {
    const told: GuardRound[] = [];
    for (const budget of [0, 2, 4, 40]) {
      told.length = 0;
      const { report } = await guardedRebuild({
        subBlock: toy, hidden: toBatches(all, 8), dense: toTensors(toyWeights()), masks, settings, guard: { ...guard, budget }, onRound: (round) => told.push(round),
      });
      expect(report.rounds).toEqual(told);
      expect(report.forwards).toBeLessThanOrEqual(4.33 + budget + Number(report.undone));
      for (const [index, round] of told.entries()) {
        expect(round.error).toBe(Math.min(...round.trialErrors.map(({ error }) => error)));
        expect(round.accepted).toBe(round.error < round.errorBefore);
        if (index < told.length - 1) expect(round.accepted).toBe(true);
      }
      if (!report.undone && told.length > 0) expect(report.grown > 0).toBe(told.some(({ accepted, grown }) => accepted && grown > 0));
    }
    expect(told.length).toBeGreaterThan(1);
  });

  it('requires an improvement by the tolerance, and changes nothing without one', async () => {
    const { masks: after, report } = await guardedRebuild({ subBlock: toy, hidden: toBatches(all, 4), dense: toTensors(toyWeights()), masks, settings, guard: { ...guard, tolerance: 0.999 } });
    expect(after).toEqual(masks);
    expect(report).toMatchObject({ grown: 0, pruned: 0, errorAfter: report.errorBefore });
    expect(report.rounds.map(({ accepted }) => accepted)).toEqual([false]);
  });

  it('restores the initial masks if windows outside the rounds lose more than the others gain', async () => {
    // With eight sequences, the only round learns from 0 to 3 and judges on 4 and 5. The last two can be outliers.
    let undone = 0;
    for (let outlier = 1; outlier <= 24; outlier++) {
      const large = sequences(outlier + 2, 5).slice(outlier).map((sequence) => sequence.map((h, t) => h.map((value, i) => ((t + i + outlier) % 3 === 0 ? -30 : 4) * value)));
      const { masks: after, report } = await guardedRebuild({
        subBlock: toy, hidden: toBatches([...all.slice(0, 6), ...large], 4), dense: toTensors(toyWeights()), masks, settings, guard: { ...guard, rounds: 1 },
      });
      expect(report.errorAfter).toBeLessThanOrEqual(report.errorBefore);
      if (!report.undone) continue;
      undone++;
      expect(after).toEqual(masks);
      expect(report).toMatchObject({ grown: 0, errorAfter: report.errorBefore });
    }
    expect(undone).toBeGreaterThan(0);
  });

  describe('from updated weights', () => {
    const dense = toyWeights();
    const updatesOf = (factor: number): Map<string, Float32Array> => new Map([['out', Float32Array.from(dense.get('out')!, (value) => value * factor)]]);
    const run = (weights: 'keep-dense' | 'keep-updates', updates: Updates) =>
      guardedRebuild({ subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(dense), masks, updates: new Map([...updates, ['other', new Float32Array(1)]]), settings: { ...settings, weights }, guard });
    const errorOfUpdated = (values: Updates, used: ReadonlyMap<string, Uint8Array>): number => {
      const sparse = masked(new Map([...dense, ...[...values].map(([name, array]) => [name, Float64Array.from(array)] as const)]), used);
      return all.reduce((sum, sequence) => sum + errorOf(forward(sequence, sparse), forward(sequence, dense)), 0) / all.length;
    };

    it('keep-updates: gives the old weights their updated values and the new ones their dense ones', async () => {
      const updates = updatesOf(1.25);
      const before = tf.memory().numTensors;
      const { masks: after, updates: made, report, hidden } = await run('keep-updates', updates);
      expect(report.grown).toBeGreaterThan(0);
      expect([...made!.keys()]).toEqual(['out']);
      made!.get('out')!.forEach((value, i) => {
        if (after.get('out')![i] === 1) expect(value).toBe(masks.get('out')![i] === 1 ? updates.get('out')![i] : dense.get('out')![i]);
      });
      expect(report.errorBefore / errorOfUpdated(updates, masks)).toBeCloseTo(1, 5);
      expect(report.errorAfter / errorOfUpdated(made!, after)).toBeCloseTo(1, 5);
      expect(tf.memory().numTensors - before).toBe(dense.size + hidden.length);
    });

    it('keep-dense: drops the updates if that helps, and otherwise changes nothing', async () => {
      const bad = await run('keep-dense', updatesOf(-8));
      expect(bad.updates).toBeUndefined();
      expect(bad.report.errorBefore / errorOfUpdated(updatesOf(-8), masks)).toBeCloseTo(1, 5);
      expect(bad.report.errorAfter / errorUnder(bad.masks)).toBeCloseTo(1, 5);
      const good = fitted();
      const kept = await guardedRebuild({ subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(dense), masks: good.masks, updates: good.updates, settings: { ...settings, granularity: 'block', weights: 'keep-dense' }, guard });
      expect(kept.masks).toEqual(good.masks);
      expect(kept.updates).toEqual(good.updates);
      expect(kept.report).toMatchObject({ grown: 0, errorAfter: kept.report.errorBefore });
    });
  });

  describe('with a refit', () => {
    const dense = toyWeights();
    const errorOfFitted = (values: Updates, used: ReadonlyMap<string, Uint8Array>, windows: typeof all): number => {
      const sparse = masked(new Map([...dense, ...[...values].map(([name, array]) => [name, Float64Array.from(array)] as const)]), used);
      return windows.reduce((sum, sequence) => sum + errorOf(forward(sequence, sparse), forward(sequence, dense)), 0) / windows.length;
    };
    const run = (windows: typeof all, more: Partial<Parameters<typeof guardedRebuild>[0]> = {}) =>
      guardedRebuild({ subBlock: toy, hidden: toBatches(windows, 3), dense: toTensors(dense), masks, settings: { ...settings, weights: 'refit' }, guard, ...more });

    it('fits the weights kept by the rounds, and reports the resulting errors', async () => {
      const before = tf.memory().numTensors;
      const result = await run(all);
      const only = await guardedRebuild({ subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(dense), masks, settings, guard });
      expect(result.masks).toEqual(only.masks);
      expect(result.report.rounds).toEqual(only.report.rounds);
      expect(result.report.refit).toMatchObject({ accepted: true });
      expect(result.report.errorAfter).toBeLessThan(0.9 * only.report.errorAfter);
      expect(result.report.errorAfter / errorOfFitted(result.updates!, result.masks, all)).toBeCloseTo(1, 4);
      // The last quarter of the windows judges.
      expect(result.report.refit!.errorBefore / errorOfFitted(new Map(), result.masks, all.slice(6))).toBeCloseTo(1, 4);
      expect(result.report.refit!.error / errorOfFitted(result.updates!, result.masks, all.slice(6))).toBeCloseTo(1, 4);
      expect(tf.memory().numTensors - before).toBe(2 * dense.size + result.hidden.length + only.hidden.length);
    });

    it('undoes it if held-out windows get worse', async () => {
      // The last two sequences lack what the others have in common.
      const different = all.slice(0, 2).map((sequence) => sequence.map((h, t) => h.map((value, i) => ((t + i) % 2 === 0 ? -6 : 5) * value)));
      const { report, updates } = await run([...all.slice(0, 6).map((sequence) => sequence.map((h) => h.map((value) => value / 16))), ...different], { guard: { ...guard, rounds: 0 } });
      expect(report.refit!.error).toBeGreaterThan(report.refit!.errorBefore);
      expect(report.refit!.accepted).toBe(false);
      expect(updates).toBeUndefined();
      expect(report.errorAfter).toBe(report.errorBefore);
    });

    it('judges and returns the values that the checkpoint will contain', async () => {
      const round = (_: string, values: Float32Array): Float32Array => values.map((value) => Math.round(value * 4) / 4);
      const { updates, masks: after, report } = await run(all, { round });
      for (const values of updates!.values()) expect(values.every((value) => Number.isInteger(value * 4))).toBe(true);
      expect(report.errorAfter / errorOfFitted(updates!, after, all)).toBeCloseTo(1, 4);
    });

    it('leaves the rest of the budget to the rounds', async () => {
      const free = await run(all);
      const least = await run(all, { guard: { ...guard, rounds: 0 } });
      for (const budget of [0, 20, 30]) {
        const { report } = await run(all, { guard: { ...guard, budget } });
        expect(report.forwards).toBeLessThanOrEqual(Math.max(4.33 + budget, least.report.forwards) + Number(report.undone));
        expect(report.rounds).toEqual(free.report.rounds.slice(0, report.rounds.length));
      }
    });

    it('costs about two forwards at the size of LLaMA-7B', () => {
      const block = (inputs: [number, number][], output: [number, number]) => ({ inputs: inputs.map((shape, i) => ({ name: `${i}`, shape })), output: { name: 'o', shape: output } });
      const square: [number, number] = [4096, 4096];
      // Products of both inputs, targets, and the input linears once more, in units of 4096^2 if all are square.
      expect(refitForwards(block([square, square, square], square))).toBe((1 + 1 + 1 + 3) / 4);
      const mlp = (4096 ** 2 + 11008 ** 2 + 3 * 4096 * 11008) / (3 * 4096 * 11008);
      expect(refitForwards(block([[11008, 4096], [11008, 4096]], [4096, 11008]))).toBeCloseTo(mlp, 10);
      expect(mlp).toBeLessThan(2.1);
    });
  });

  it('works with one window, for both training and judging', async () => {
    const { report } = await guardedRebuild({ subBlock: toy, hidden: toBatches(all.slice(0, 1), 1), dense: toTensors(toyWeights()), masks, settings, guard });
    expect(report.errorAfter).toBeLessThan(report.errorBefore);
  });

  it('frees everything but its result, whether it succeeds or fails', async () => {
    const dense = toTensors(toyWeights());
    const before = tf.memory().numTensors;
    const request = { subBlock: toy, dense, masks, settings, guard };
    const result = await guardedRebuild({ ...request, hidden: toBatches(all, 3) });
    expect(tf.memory().numTensors).toBe(before + 3);
    tf.dispose(result.hidden);
    const stop = new Error('stop');
    for (const pass of [1, 2] as const) {
      const onProgress = (at: { pass: 1 | 2; batch: number }): void => {
        if (at.pass === pass && at.batch === 2) throw stop;
      };
      await expect(guardedRebuild({ ...request, hidden: toBatches(all, 3), onProgress })).rejects.toBe(stop);
    }
    await expect(guardedRebuild({ ...request, hidden: toBatches(all, 3), onRound: () => { throw stop; } })).rejects.toBe(stop);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([{ rounds: 1.5 }, { tolerance: 1 }, { budget: NaN }, { ratios: [] }, { ratios: [0] }])('refuses %o', async (wrong) => {
    const request = { subBlock: toy, hidden: toBatches(all, 3), dense: toTensors(toyWeights()), masks, settings, guard: { ...guardDefaults, ...wrong } };
    await expect(guardedRebuild(request)).rejects.toThrow(new RegExp(Object.keys(wrong)[0]));
  });
});

describe('pairSelection', () => {
  const pattern = parsePattern('2:4') as Pattern & { kind: 'N:M' };
  const swap = (importance: number[], mask: number[], ratio: number): number[] =>
    [...pairSelection({ importance: [Float32Array.from(importance)], masks: [Uint8Array.from(mask)], shapes: [[1, mask.length]], names: ['a'], pattern })(ratio)[0]];

  it('swaps only gains within groups, the largest first', () => {
    const importance = [9, 1, 2, 0, 5, 6, 7, 8];
    const mask = [0, 1, 0, 1, 1, 1, 0, 0];
    expect(swap(importance, mask, 1)).toEqual([1, 0, 1, 0, 0, 0, 1, 1]);
    // Gains: 9 - 0, 2 - 1; 8 - 5, 7 - 6.
    expect(swap(importance, mask, 0.25)).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
    expect(swap(importance, mask, 0.5)).toEqual([1, 1, 0, 0, 0, 1, 0, 1]);
  });

  it('breaks ties by position, and leaves equal weights alone', () => {
    expect(swap([1, 1, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0, 1, 1], 0.75)).toEqual([1, 1, 0, 0, 1, 0, 0, 1]);
    expect(swap([3, 3, 3, 3], [0, 1, 0, 1], 1)).toEqual([0, 1, 0, 1]);
  });

  it('names an importance that is not finite', () => {
    expect(() => swap([1, NaN, 1, 1], [0, 1, 0, 1], 1)).toThrow(/importance of a: NaN at row 0, column 1/);
  });
});

describe('searchRatio', () => {
  const ladder = [0.8, 0.4, 0.2, 0.1, 0.05, 0.025];
  const tried = async (errors: Record<number, number>, towards: -1 | 1, afford = 9) =>
    (await searchRatio({ ladder, start: 2, error: 1, towards, mayTry: () => afford-- > 0, attempt: (ratio) => Promise.resolve(errors[ratio] ?? 2) })).map(({ ratio }) => ratio);

  it('tries one neighbour of a ratio that helps, and much smaller ratios otherwise', async () => {
    expect(await tried({ 0.2: 0.5 }, -1)).toEqual([0.2, 0.4]);
    expect(await tried({ 0.2: 0.5 }, 1)).toEqual([0.2, 0.1]);
    expect(await tried({ 0.05: 0.9 }, -1)).toEqual([0.2, 0.05]);
    expect(await tried({}, -1)).toEqual([0.2, 0.05]);
    expect(await tried({ 0.2: 1, 0.4: 1, 0.8: 0.5 }, 1)).toEqual([0.2, 0.4, 0.8, 0.4]);
    expect(await tried({}, -1, 1)).toEqual([0.2]);
    expect(await tried({}, -1, 0)).toEqual([]);
  });
});
