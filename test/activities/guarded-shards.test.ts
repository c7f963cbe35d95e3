/** Tests guarded rebuilds from shards of the calibration, activity by activity, without a server. */
import { afterAll, describe, expect, it } from 'vitest';
import { rebuildLayer } from '../../activities/rebuild.js';
import { divideTokens } from '../../activities/shards/shard-tokens.js';
import type { RebuildResult } from '../../activities/types.js';
import type { Pipeline } from '../../app/config/pipeline.js';
import { tf } from '../../science/engine/index.js';
import { beginHere } from '../helpers/in-process.js';
import { bitsOf, difference, keysIn, newBench, pipelineOf, rebuildInShards, removeSites, runInShards, siteOf, stagesOf } from './in-shards.js';

afterAll(removeSites);

const guarded = (shards: number, ...more: string[]): Pipeline => pipelineOf(shards, ['rebuild.strategy=guarded', ...more]);

/** Rebuilds the demo model in one process, and from shards, both from the same initial masks. */
async function bothWays(count: number, more: string[]): Promise<{ bits: [string[], string[]]; results: [RebuildResult[], RebuildResult[]] }> {
  const site = await siteOf(1);
  const [bench] = site.benches;
  const pipeline = guarded(1, ...more);
  const stage = stagesOf(pipeline)[2];
  const { context, tokens: whole, initial } = await beginHere(pipeline, bench);
  const inOne: RebuildResult[] = [];
  for (const [layer, start] of initial.entries()) inOne.push(await rebuildLayer({ context, stage, layer, path: { tokens: whole, masks: inOne.map(({ mask }) => mask) }, start }, bench));
  const shards = await divideTokens(context, whole, count, bench);
  const rebuilt = await rebuildInShards({ context, whole, shards, initial }, stage, site);
  const bits = await Promise.all([inOne, rebuilt].map((made) => bitsOf({ context, initial, rebuilt: made }, bench)));
  return { bits: bits as [string[], string[]], results: [inOne, rebuilt] };
}

describe('a guarded rebuild from one shard', () => {
  it.each([
    ['keep-updates', []],
    ['2:4', ['initialMask.pattern=2:4', 'rebuild.rounds=2']],
    ['refit', ['rebuild.weights=refit', 'rebuild.rounds=2']],
    ['SparseGPT and keep-updates', ['initialMask.method=sparsegpt', 'rebuild.weights=keep-updates', 'rebuild.rounds=2']],
  ])('gives the masks and decisions of one process: %s', async (_, more) => {
    const { bits: [one, sharded], results: [inOne, rebuilt] } = await bothWays(1, more);
    expect(difference(one, sharded)).toBe(0);
    for (const [layer, { entries }] of inOne.entries()) {
      for (const [block, entry] of entries.entries()) {
        const other = rebuilt[layer].entries[block];
        for (const what of ['block', 'grown', 'pruned', 'forwards'] as const) expect(other[what]).toBe(entry[what]);
        for (const what of ['errorBefore', 'errorAfter'] as const) expect(other[what] / entry[what]).toBeCloseTo(1, 4);
        expect(other.rounds?.map(({ ratio, accepted }) => [ratio, accepted])).toEqual(entry.rounds?.map(({ ratio, accepted }) => [ratio, accepted]));
        expect(other.refit?.accepted).toBe(entry.refit?.accepted);
      }
    }
    expect(inOne.some(({ entries }) => entries.some(({ rounds = [] }) => rounds.length > 1))).toBe(true);
  });
});

describe('a guarded rebuild from shards', () => {
  it('decides as one process does, by the same windows', async () => {
    const { bits: [one, sharded], results: [inOne, rebuilt] } = await bothWays(4, []);
    // Sums are rounded differently, so weights that are nearly equal may change places.
    expect(difference(one, sharded)).toBeLessThan(0.001);
    const decisions = (results: RebuildResult[]): unknown[] => results.flatMap(({ entries }) => entries.map(({ rounds }) => rounds?.map(({ ratio, accepted }) => [ratio, accepted])));
    expect(decisions(rebuilt)).toEqual(decisions(inOne));
    for (const [layer, { entries }] of inOne.entries()) for (const [block, { errorAfter }] of entries.entries()) expect(rebuilt[layer].entries[block].errorAfter / errorAfter).toBeCloseTo(1, 3);
  });

  it('fits weights nearly as one process does', async () => {
    const { bits: [one, sharded], results: [inOne, rebuilt] } = await bothWays(4, ['rebuild.weights=refit', 'rebuild.rounds=2']);
    // Fitted values are rounded to the 16 bits of the checkpoint, so differences grow from layer to layer.
    expect(difference(one, sharded)).toBeLessThan(0.01);
    for (const [layer, { entries }] of inOne.entries()) for (const [block, { errorAfter }] of entries.entries()) expect(Math.abs(rebuilt[layer].entries[block].errorAfter / errorAfter - 1)).toBeLessThan(0.05);
  });

  it.each([
    ['four', 4, 10, 2],
    ['five with one window each', 5, 5, 1],
  ])('gives the same bytes on any assignment of work to workers, also after workers lose their memory: %s', async (_, count, samples, rounds) => {
    const pipeline = guarded(count, 'rebuild.weights=refit', `rebuild.rounds=${rounds}`, `calibration.samples=${samples}`);
    const one = await siteOf(1);
    const made = await runInShards(pipeline, one);
    const files = async ({ benches: [{ store }] }: typeof one): Promise<unknown[]> => Promise.all(made.rebuilt.map(async ({ mask }) => (await store.find('mask', mask))?.files));
    expect(made.rebuilt.some(({ entries }) => entries.some(({ refit, grown }) => refit?.accepted === true && grown > 0))).toBe(true);
    const forgetful = await siteOf(3);
    const again = await runInShards(pipeline, forgetful, () => {
      // As if a worker was killed and replaced by another process.
      forgetful.benches[1].forget();
      forgetful.benches[1] = newBench(forgetful);
    });
    expect(again.rebuilt.map(({ entries }) => entries)).toEqual(made.rebuilt.map(({ entries }) => entries));
    expect(await files(forgetful)).toEqual(await files(one));
    for (const site of [one, forgetful]) {
      expect([keysIn(site, 'sums'), keysIn(site, 'hidden')]).toEqual([[], []]);
      expect(keysIn(site, 'mask').sort()).toEqual([...made.initial, ...made.rebuilt.map(({ mask }) => mask)].sort());
    }
  });

  it('keeps the windows of a sub-block open between its steps, and no other tensors than the hidden states between two layers', async () => {
    const site = await siteOf(1);
    const counts: number[][] = [];
    await runInShards(guarded(2, 'rebuild.rounds=1'), site, (layer) => { (counts[layer] ??= []).push(tf.memory().numTensors); });
    // Initial masks come first, with one step each.
    const [, , beforeLast, last] = counts.map(([, first, ...later]) => ({ first, later }));
    expect(last.first).toBe(beforeLast.first);
    expect(last.later.at(-1)).toBeGreaterThan(last.first);
    site.benches[0].forget();
  });
});
