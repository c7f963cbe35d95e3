/** Tests two runs that rebuild the same layer from shards at the same time, without a server. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { advanceTo } from '../../activities/shards/gather.js';
import { closeLayer, finishShard, gatherSubBlock, rebuildSubBlock } from '../../activities/shards/rebuild.js';
import type { Activities, ArtifactKey, RebuildResult } from '../../activities/types.js';
import type { Workbench } from '../../activities/workbench.js';
import type { RebuildStage } from '../../app/config/pipeline.js';
import { ArtifactLostError } from '../../files/artifacts/index.js';
import { newLayer } from '../../workflows/run-state.js';
import { rebuildFromShards, type ShardedRun } from '../../workflows/sharded.js';
import { bitsOf, keysIn, newBench, pipelineOf, removeSites, runInShards, siteOf, stagesOf, type Made, type Site } from './in-shards.js';

// The workflow's code runs here without a server, and nothing of it is cancelled.
vi.mock('@temporalio/workflow', async (original) => ({
  ...(await original<object>()),
  CancellationScope: class {
    run = <T>(work: () => Promise<T>): Promise<T> => work();
    cancel = (): void => undefined;
  },
}));

afterAll(removeSites);

describe('two runs that rebuild the same layer in one store', () => {
  let site: Site;
  let input: Made;
  let stage: RebuildStage;
  /** Keys of all layers' masks so far. */
  let known: Set<ArtifactKey>;
  beforeAll(async () => {
    site = await siteOf(1);
    const pipeline = pipelineOf(4);
    input = await runInShards(pipeline, site);
    [, , stage] = stagesOf(pipeline);
    known = new Set([...input.initial, ...input.rebuilt.map(({ mask }) => mask)]);
  });

  /** A process does one piece of work at a time. */
  function turns(): (work: () => Promise<unknown>) => Promise<unknown> {
    let last: Promise<unknown> = Promise.resolve();
    return (work) => {
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    };
  }

  /** Rebuilds a layer as the workflow does it. @param settings of the stage @param before called before each activity */
  function rebuildAs(settings: Partial<RebuildStage>, before: (call: number) => Promise<void> = () => Promise.resolve(), inTurn = turns(), bench = newBench(site)): Promise<RebuildResult> {
    const { context, whole, shards, initial } = input;
    let calls = 0;
    const activities = Object.fromEntries(Object.entries({ gatherSubBlock, rebuildSubBlock, finishShard, closeLayer }).map(([name, activity]) => [name, async (given: never) => inTurn(async () => {
      await before(calls++);
      return (activity as (given: never, bench: Workbench) => Promise<unknown>)(given, bench);
    })])) as unknown as Activities;
    const tracker = { setWorkers: () => undefined, recordWork: () => undefined, setDetail: () => undefined } as unknown as ShardedRun['tracker'];
    const places = () => Promise.resolve({ there: shards.map(() => activities), workers: 1 });
    return rebuildFromShards({ activities, context, tracker, whole, shards, places, continueAsNewIfDue: () => Promise.resolve() }, { ...stage, ...settings }, [], initial[0], newLayer()).finally(() => { bench.forget(); });
  }

  // Of a layer with two sub-blocks: 4 gather, 1 rebuilds, 4 gather, 1 rebuilds, 4 finish, 1 closes.
  it.each([0, 2, 4, 7, 9, 10, 12, 14])('find what the other one has made, also before call %i', async (moment) => {
    await meetAt(moment, { ratio: 0.11 + moment / 100 });
  });

  // A guarded rebuild with one round and a refit has 5 steps for each sub-block, each of 4 activities that gather and 1 that chooses.
  it.each([0, 3, 4, 5, 12, 14, 23, 24, 26, 40, 52, 54])('do so, too, if a sub-block has several steps, also before call %i', async (moment) => {
    await meetAt(moment, { strategy: 'guarded', weights: 'refit', rounds: 1, budget: 4 + moment / 100 });
  });

  /** One run begins before a call of the other, and finishes the layer. */
  async function meetAt(moment: number, settings: Partial<RebuildStage>): Promise<void> {
    let other: RebuildResult | undefined;
    const own = await rebuildAs(settings, async (call) => {
      if (call === moment) other = await rebuildAs(settings);
    });
    expect(other).toBeDefined();
    expect(own).toMatchObject({ mask: other?.mask, entries: other?.entries, reused: true });
    expect(keysIn(site, 'sums')).toEqual([]);
    expect(new Set(keysIn(site, 'mask'))).toEqual(known.add(own.mask));
  }

  it.each<[string, Partial<RebuildStage>]>([
    ['published', { ratio: 0.3 }],
    ['guarded', { strategy: 'guarded', weights: 'refit', rounds: 1, budget: 5 }],
  ])('give the same masks: %s', async (_, settings) => {
    const inTurn = turns();
    const nothing = (): Promise<void> => Promise.resolve();
    const [one, other] = await Promise.all([rebuildAs(settings, nothing, inTurn), rebuildAs(settings, nothing, inTurn)]);
    expect(other).toMatchObject({ mask: one.mask, entries: one.entries });
    expect([one.reused, other.reused].sort()).toEqual([false, true]);
    expect(keysIn(site, 'sums')).toEqual([]);
    expect(new Set(keysIn(site, 'mask'))).toEqual(known.add(one.mask));
  });

  it('of other settings give the masks and errors that each has alone, also in turn on one worker', async () => {
    const both: Partial<RebuildStage>[] = [{ ratio: 0.45 }, { strategy: 'guarded', weights: 'refit', rounds: 1, budget: 6.5 }];
    const [inTurn, bench] = [turns(), newBench(site)];
    const together = await Promise.all(both.map((settings) => rebuildAs(settings, () => Promise.resolve(), inTurn, bench)));
    for (const [run, { mask, entries }] of together.entries()) {
      const found = await bitsOf({ ...input, rebuilt: [together[run]] }, bench);
      await bench.store.drop('mask', mask);
      const alone = await rebuildAs(both[run]);
      expect([together[run].reused, alone.reused]).toEqual([false, false]);
      expect(alone).toMatchObject({ mask, entries });
      expect(await bitsOf({ ...input, rebuilt: [alone] }, bench)).toEqual(found);
      known.add(mask);
    }
  });

  it('leave no hidden states on disk if one finds the last layer', async () => {
    const { context, shards, whole, initial } = input;
    // They are stored after every layer.
    const careful = { ...context, maxLoss: 0 };
    const bench = newBench(site);
    const masks = input.rebuilt.slice(0, -1).map(({ mask }) => mask);
    const layer = masks.length;
    for (const tokens of shards) await advanceTo(careful, { tokens, masks }, bench);
    expect(keysIn(site, 'hidden')).toHaveLength(shards.length);
    await closeLayer({ context: careful, layer, stage, start: initial[layer], path: { tokens: whole, masks }, shards, blocks: [] }, bench);
    expect(keysIn(site, 'hidden')).toEqual([]);
  });

  it('start over if the finished layer is removed', async () => {
    const { context, whole, shards, initial } = input;
    const close = { context, stage: { ...stage, ratio: 0.4 }, layer: 0, start: initial[0], path: { tokens: whole, masks: [] }, shards, blocks: [] };
    await expect(closeLayer(close, site.benches[0])).rejects.toThrow(ArtifactLostError);
    await expect(closeLayer({ ...close, finished: { errors: shards.map((_, shard) => (shard === 2 ? [] : [1, 1])), seconds: 1 } }, site.benches[0])).rejects.toThrow(ArtifactLostError);
  });
});
