import { beforeAll, describe, expect, it } from 'vitest';
import { tf } from '../../../../../science/engine/index.js';
import type { Tensor3D } from '../../../../../science/engine/index.js';
import { checkRebuiltMasks, layerForward, parsePattern, refitSubBlock, unstructured } from '../../../../../science/methods/index.js';
import type { KeepWeights, Masks, Updates } from '../../../../../science/methods/index.js';
import { swapRebuild } from '../../../../../science/methods/rebuild/swaps/swap-rebuild.js';
import type { SwapRebuild } from '../../../../../science/methods/rebuild/swaps/swap-rebuild.js';
import { openTestEngine } from '../../../../helpers/engine.js';
import { errorOf, forward, linears, masked, sequences, toBatches, toTensors, toy, toyWeights } from '../toy-sub-block.js';

const all = sequences(8, 5);
const dense = toyWeights();
/** In every row the largest weight is pruned (of four, the two largest), so that there is much to gain. */
const masks: Masks = new Map(linears.map(({ name, shape: [, inputs] }) => {
  const sizes = [...dense.get(name)!].map(Math.abs);
  const rank = (i: number): number => sizes.slice(i - (i % inputs), i - (i % inputs) + inputs).filter((size) => size > sizes[i]).length;
  return [name, Uint8Array.from(sizes, (_, i) => Number(rank(i) >= Math.floor(inputs / 2)))];
}));

function errorUnder(used: Masks, updates: Updates = new Map(), windows = all): number {
  const values = new Map([...dense, ...[...updates].map(([name, array]) => [name, Float64Array.from(array)] as const)]);
  return windows.reduce((sum, sequence) => sum + errorOf(forward(sequence, masked(values, used)), forward(sequence, dense)), 0) / windows.length;
}

const request = (weights: KeepWeights, more: Partial<SwapRebuild> = {}): SwapRebuild => ({
  subBlock: toy, hidden: toBatches(all, 3), dense: more.dense ?? toTensors(dense), masks, swapRounds: 5, candidates: 48,
  settings: { granularity: 'output', ratio: 1, metric: 'weight', pattern: unstructured, weights }, ...more,
});

const named = (from: Masks) => linears.map(({ name, shape }) => ({ name, shape, mask: from.get(name)! }));

beforeAll(() => openTestEngine());

describe('swapRebuild', () => {
  it.each(['keep-dense', 'keep-updates', 'refit'] as const)('%s: lowers the true error within the budget of every row', async (weights) => {
    const told: number[] = [];
    const { masks: after, updates, report } = await swapRebuild(request(weights, { onLinear: (_, swaps) => told.push(swaps) }));
    expect(report.errorBefore / errorUnder(masks)).toBeCloseTo(1, 5);
    expect(report.errorAfter / errorUnder(after, updates)).toBeCloseTo(1, 4);
    expect(report.errorAfter).toBeLessThan(0.9 * report.errorBefore);
    expect(report).toMatchObject({ undone: false, grown: report.pruned });
    expect(report.grown).toBeGreaterThan(0);
    expect(told.length).toBe(3);
    checkRebuiltMasks(named(masks), named(after), { granularity: 'output', pattern: unstructured });
    expect(updates === undefined).toBe(weights !== 'refit');
  });

  it('leaves input linears whose outputs no swap brings closer to the dense ones', async () => {
    const { masks: after } = await swapRebuild(request('keep-dense'));
    const tokens = all.flat().map((h) => h.map((value) => 2 * value));
    for (const { name, shape: [outputs, inputs] } of linears.slice(0, 2)) {
      const [values, mask] = [dense.get(name)!, after.get(name)!];
      for (let row = 0; row < outputs; row++) {
        const error = (bits: number[]): number => tokens.reduce((sum, x) => sum + x.reduce((dot, value, i) => dot + (1 - bits[i]) * values[row * inputs + i] * value, 0) ** 2, 0);
        const bits = [...mask.subarray(row * inputs, (row + 1) * inputs)];
        for (let u = 0; u < inputs; u++) {
          for (let p = 0; p < inputs; p++) {
            if (bits[u] === 1 && bits[p] === 0) expect(error(bits.map((bit, i) => (i === u ? 0 : i === p ? 1 : bit)))).toBeGreaterThanOrEqual(error(bits) * (1 - 1e-4));
          }
        }
      }
    }
  });

  it('refit: gives the values of a refit on the new masks', async () => {
    const { masks: after, updates } = await swapRebuild(request('refit'));
    const weights = toTensors(dense);
    const windows = toBatches(all, 3);
    const each = (visit: (x: Tensor3D, y: Tensor3D) => void): Promise<void> => Promise.resolve(windows.forEach((h) => {
      tf.tidy(() => { visit(h.mul(2), tf.tensor3d(h.arraySync().map((sequence) => forward(sequence, dense)))); });
    }));
    const expected = await refitSubBlock({ subBlock: toy, dense: weights, masks: after, start: weights, each, tokens: 40 });
    for (const { name } of linears) {
      updates!.get(name)!.forEach((value, i) => { if (after.get(name)![i] === 1) expect(value).toBeCloseTo(expected.get(name)![i], 4); });
    }
  });

  it('keeps N:M', async () => {
    // Three inputs do not divide into pairs, so only the output linear is swapped.
    const pattern = parsePattern('2:4');
    const wide = { ...toy, inputs: [], core: (): Tensor3D => tf.tensor3d(all.flat().map((h) => [[...h, h[0] * h[1]]])), enter: (h: Tensor3D): Tensor3D => h };
    const { masks: after, report } = await swapRebuild(request('refit', {
      subBlock: wide, hidden: [tf.tensor3d(all.flat().map((h) => [h]))], settings: { ...request('refit').settings, pattern },
    }));
    expect(report.errorAfter).toBeLessThan(report.errorBefore);
    checkRebuiltMasks(named(masks).slice(2), named(after).slice(2), { granularity: 'output', pattern });
  });

  it('restores masks and weights if the whole rebuild raised the error', async () => {
    // The rounded values are far from those that were fitted.
    const round = (_: string, values: Float32Array): Float32Array => values.map((value) => 50 * value);
    const start = new Map([['out', Float32Array.from(dense.get('out')!, (value) => value / 2)]]);
    const { masks: after, updates, report } = await swapRebuild(request('refit', { round, updates: new Map([...start, ['other', new Float32Array(1)]]) }));
    expect(after).toEqual(new Map(masks));
    expect(updates).toEqual(start);
    expect(report).toMatchObject({ undone: true, grown: 0, pruned: 0, errorAfter: report.errorBefore });
    expect(report.errorAfter / errorUnder(masks, start)).toBeCloseTo(1, 5);
  });

  it('judges and returns the values that the checkpoint will contain', async () => {
    const round = (_: string, values: Float32Array): Float32Array => values.map((value) => Math.round(value * 8) / 8);
    const { masks: after, updates, report } = await swapRebuild(request('refit', { round }));
    for (const values of updates!.values()) expect(values.every((value) => Number.isInteger(value * 8))).toBe(true);
    expect(report.errorAfter / errorUnder(after, updates)).toBeCloseTo(1, 4);
  });

  it('keep-updates: starts from the updated values, and gives returning weights their dense ones', async () => {
    const start = new Map([['out', Float32Array.from(dense.get('out')!, (value) => value * 1.25)]]);
    const { masks: after, updates, report } = await swapRebuild(request('keep-updates', { updates: start }));
    expect(report.errorBefore / errorUnder(masks, start)).toBeCloseTo(1, 5);
    expect(report.errorAfter / errorUnder(after, updates)).toBeCloseTo(1, 4);
    updates!.get('out')!.forEach((value, i) => { if (after.get('out')![i] === 1) expect(value).toBe(masks.get('out')![i] === 1 ? start.get('out')![i] : dense.get('out')![i]); });
  });

  it('gives the same bits every time, and runs on like any other forward under its masks', async () => {
    const [one, two] = [await swapRebuild(request('refit')), await swapRebuild(request('refit'))];
    expect([two.masks, two.updates, two.report]).toEqual([one.masks, one.updates, one.report]);
    const identity = { ...toy, inputs: [], core: (): Tensor3D => tf.zeros([1, 1, 4]), leave: (h: Tensor3D): Tensor3D => h };
    const again = await layerForward({
      layer: { index: 0, tensors: [], subBlocks: [toy, identity] }, hidden: toBatches(all, 3), weights: toTensors(dense), masks: one.masks, ...(one.updates && { updates: one.updates }),
    });
    expect(again.map((batch) => batch.dataSync())).toEqual(one.hidden.map((batch) => batch.dataSync()));
  });

  it('frees everything but its result, whether it succeeds or fails', async () => {
    const weights = toTensors(dense);
    const before = tf.memory().numTensors;
    const result = await swapRebuild(request('refit', { dense: weights }));
    expect(tf.memory().numTensors).toBe(before + 3);
    tf.dispose(result.hidden);
    const stop = new Error('stop');
    const fail = (): never => { throw stop; };
    const at = (pass: 1 | 2) => (progress: { pass: 1 | 2 }): void => { if (progress.pass === pass) fail(); };
    for (const more of [{ onLinear: fail }, { onProgress: at(1) }, { onProgress: at(2) }, { round: fail }]) {
      await expect(swapRebuild(request('refit', { dense: weights, ...more }))).rejects.toBe(stop);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});
