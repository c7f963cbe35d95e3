/** Tests work from shards of the calibration, activity by activity, without a server. */
import { readdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { prepareRun } from '../../activities/prepare-run.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import { advanceTo } from '../../activities/shards/gather.js';
import { chooseMask, gatherShard } from '../../activities/shards/initial-mask.js';
import { partsOf } from '../../activities/shards/open-step.js';
import { closeLayer, gatherSubBlock, rebuildSubBlock } from '../../activities/shards/rebuild.js';
import { sumsOf } from '../../activities/shards/rebuild-keys.js';
import { readTokens } from '../../activities/tokens.js';
import type { ArtifactKey, RebuildInput, RebuildResult, RunContext, TokensRef } from '../../activities/types.js';
import { Workbench } from '../../activities/workbench.js';
import type { CalibrationStage, InitialMaskStage, Pipeline, RebuildStage } from '../../app/config/pipeline.js';
import { ArtifactLostError, ArtifactStore, openStore } from '../../files/artifacts/index.js';
import { tf } from '../../science/engine/index.js';
import { temporaryState } from '../helpers/demo-run.js';
import { FakeS3 } from '../helpers/fake-s3.js';
import { beginHere } from '../helpers/in-process.js';
import { storeLog } from '../../tools/bench/faults/judge.js';
import { bitsOf, difference, keysIn, newBench, ownWork, pipelineOf, removed, rebuildLayerInShards, removeSites, runInShards, siteOf, stagesOf, type Made, type Site } from './in-shards.js';

afterAll(removeSites);

/** Makes the initial masks of all layers except the last. */
async function masksBeforeLast(pipeline: Pipeline, bench: Workbench): Promise<{ context: RunContext; stage: InitialMaskStage; shards: TokensRef[]; masks: ArtifactKey[] }> {
  const [calibration, stage] = stagesOf(pipeline);
  const context = await prepareRun({ pipeline }, bench);
  const { tokens: whole, shards = [] } = await sampleCalibration({ context, stage: calibration }, bench);
  const masks: ArtifactKey[] = [];
  while (masks.length < context.model.layers - 1) {
    const common = { context, stage, layer: masks.length };
    for (const tokens of shards) await gatherShard({ ...common, path: { tokens, masks: [...masks] } }, bench);
    masks.push((await chooseMask({ ...common, path: { tokens: whole, masks: [...masks] }, shards }, bench)).mask);
  }
  return { context, stage, shards, masks };
}

describe('a calibration in four shards', () => {
  let site: Site;
  let made: Made;
  let bits: string[];

  beforeAll(async () => {
    site = await siteOf(1);
    made = await runInShards(pipelineOf(4), site);
    bits = await bitsOf(made, site.benches[0]);
  });

  it('deals the windows out to the shards', async () => {
    const [bench] = site.benches;
    const { samples, sequenceLength } = made.whole;
    expect(made.shards.map((shard) => shard.samples)).toEqual([3, 3, 2, 2]);
    const all = await readTokens(bench.store, made.whole);
    const shards = await Promise.all(made.shards.map((shard) => readTokens(bench.store, shard)));
    for (let window = 0; window < samples; window++) {
      const at = (tokens: Int32Array, index: number): Int32Array => tokens.subarray(index * sequenceLength, (index + 1) * sequenceLength);
      expect(at(shards[window % 4], Math.floor(window / 4))).toEqual(at(all, window));
    }
  });

  it('that an earlier version has divided in another way is refused, so that the run divides it again', async () => {
    const [bench] = site.benches;
    const { first: _, total, ...shard } = made.shards[0].shard!;
    const tokens = { ...made.shards[0], shard: { ...shard, range: { before: 0, total } } } as unknown as TokensRef;
    await expect(gatherShard({ context: made.context, stage: stagesOf(pipelineOf(4))[1], layer: 0, path: { tokens, masks: [] } }, bench)).rejects.toThrow(ArtifactLostError);
  });

  it('lists the stages that several workers may work on', () => {
    expect(made.context.sharded).toEqual([1, 2, 3]);
  });

  it('gives the same masks and errors on any assignment of work to workers, also after workers lose their memory', async () => {
    const several = await siteOf(3);
    expect(await runInShards(pipelineOf(4), several)).toMatchObject({ initial: made.initial, rebuilt: made.rebuilt.map(({ mask, entries }) => ({ mask, entries })) });
    const forgetful = await siteOf(2);
    const again = await runInShards(pipelineOf(4), forgetful, () => {
      // As if a worker was killed and replaced by another process.
      forgetful.benches[1].forget();
      forgetful.benches[1] = newBench(forgetful);
    });
    expect(again.rebuilt.map(({ entries }) => entries)).toEqual(made.rebuilt.map(({ entries }) => entries));
    for (const other of [several, forgetful]) expect(await bitsOf(made, other.benches[0])).toEqual(bits);
  });

  it('nearly equals a single pass over all windows', async () => {
    const whole = await siteOf(1);
    const [bench] = whole.benches;
    const pipeline = pipelineOf(1);
    const { context, tokens, initial } = await beginHere(pipeline, bench);
    const rebuilt: RebuildResult[] = [];
    for (const [layer, start] of initial.entries()) {
      const path = { tokens, masks: rebuilt.map(({ mask }) => mask) };
      rebuilt.push(await rebuildLayer({ context, stage: stagesOf(pipeline)[2], layer, path, start }, bench));
    }
    expect(context.sharded).toBeUndefined();
    expect(difference(bits, await bitsOf({ context, initial, rebuilt }, bench))).toBeLessThan(0.001);
    for (const [layer, { entries }] of rebuilt.entries()) {
      for (const [block, entry] of entries.entries()) {
        const other = made.rebuilt[layer].entries[block];
        expect(other.block).toBe(entry.block);
        expect(other.errorBefore / entry.errorBefore).toBeCloseTo(1, 2);
        expect(other.errorAfter / entry.errorAfter).toBeCloseTo(1, 2);
        expect(other.grown).toBe(other.pruned);
      }
    }
  });

  it('leaves only the masks of the layers in the store', () => {
    const left = (kind: string): string[] => keysIn(site, kind);
    expect(left('sums')).toEqual([]);
    expect(left('hidden')).toEqual([]);
    expect(left('mask').sort()).toEqual([...made.initial, ...made.rebuilt.map(({ mask }) => mask)].sort());
  });

  it('reuses a finished layer without computing sums', async () => {
    const [bench] = site.benches;
    const { context, whole, shards, initial, rebuilt } = made;
    const [, stage, rebuild] = stagesOf(pipelineOf(4));
    const path = { tokens: shards[0], masks: [] };
    expect(await gatherShard({ context, stage, layer: 0, path }, bench)).toEqual({ seconds: 0, reused: true });
    expect(await chooseMask({ context, stage, layer: 0, path: { tokens: whole, masks: [] }, shards }, bench)).toMatchObject({ mask: initial[0], reused: true });
    const common = { context, stage: rebuild, layer: 0, start: initial[0], blocks: [] };
    expect(await gatherSubBlock({ ...common, path }, bench)).toEqual({ seconds: 0, reused: true, made: true });
    const found = await closeLayer({ ...common, path: { tokens: whole, masks: [] }, shards }, bench);
    expect(found).toMatchObject({ mask: rebuilt[0].mask, entries: rebuilt[0].entries, reused: true });
  });

  it('runs no layer a second time', () => {
    const log = storeLog(join(site.state, 'artifacts'));
    expect(log.length).toBeGreaterThan(0);
    expect(log.filter(({ event }) => event === 'repeated')).toEqual([]);
  });

  it.each<[string, number, Partial<RebuildStage>]>([
    ['published, first layer', 0, { ratio: 0.2 }],
    ['published, third layer', 2, { ratio: 0.2 }],
    ['guarded, second layer', 1, { strategy: 'guarded', weights: 'refit', rounds: 1, budget: 6 }],
  ])('reads the weights of a layer once, and runs its sub-blocks once under their new masks: %s', async (_, layer, settings) => {
    const { context, shards, initial, whole } = made;
    const stage = { ...stagesOf(pipelineOf(4))[2], ...settings };
    const bench = newBench(site);
    const masks = made.rebuilt.slice(0, layer).map(({ mask }) => mask);
    for (const tokens of shards) await advanceTo(context, { tokens, masks }, bench);
    const parts = await partsOf({ stage } as RebuildInput);
    const [reads, streams, finishes] = [vi.spyOn(bench, 'layerWeights'), vi.spyOn(bench.hidden, 'take'), vi.spyOn(parts, 'finish')];
    try {
      await rebuildLayerInShards({ context, shards, whole, start: initial[layer], masks }, stage, [bench]);
      expect(reads.mock.calls.map(([, index]) => index)).toEqual([layer]);
      expect(streams).toHaveBeenCalledTimes(shards.length);
      expect(finishes).toHaveBeenCalledTimes(2 * shards.length);
    } finally {
      finishes.mockRestore();
      bench.forget();
    }
  });

  it('leaves no tensors if a step cannot begin', async () => {
    const { context, shards: [tokens], initial } = made;
    const bench = newBench(site);
    const before = tf.memory().numTensors;
    const input = { context, stage: { ...stagesOf(pipelineOf(4))[2], ratio: 0.35 }, layer: 0, start: initial[0], blocks: [] as string[], path: { tokens, masks: [] } };
    await gatherSubBlock(input, bench);
    const model = vi.spyOn(bench, 'model').mockRejectedValueOnce(new Error('the disk is gone'));
    await expect(gatherSubBlock({ ...input, blocks: [initial[0]] }, bench)).rejects.toThrow('the disk is gone');
    expect(model).toHaveBeenCalledTimes(1);
    bench.forget();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('repeats a step of an earlier sub-block with the same sums', async () => {
    const { context, shards, initial, whole } = made;
    const [bench] = (await siteOf(1)).benches;
    const common = { context, stage: stagesOf(pipelineOf(4))[2], layer: 0, start: initial[0], blocks: [] as string[], shards };
    const [path, own] = [{ tokens: whole, masks: [] }, new ArtifactStore(join(site.state, 'artifacts'))];
    for (const kind of ['tokens', 'mask'] as const) await cp(join(own.root, kind), join(bench.store.root, kind), { recursive: true });
    await bench.store.drop('mask', made.rebuilt[0].mask);
    const gather = async (blocks: string[]): Promise<unknown> => {
      for (const tokens of shards) await gatherSubBlock({ ...common, blocks, path: { tokens, masks: [] } }, bench);
      return Promise.all(sumsOf({ ...common, blocks }, path).map(async (key) => (await bench.store.find('sums', key))?.files));
    };
    const first = await gather([]);
    const { mask } = ownWork(await rebuildSubBlock({ ...common, path }, bench)) as { mask: string };
    await gather([mask]);
    await bench.store.drop('mask', mask);
    expect(await gather([])).toEqual(first);
    bench.forget();
  });

  it('leaves only the hidden states of the shards as tensors after a layer', async () => {
    const { context, shards, initial, whole } = made;
    const stage = { ...stagesOf(pipelineOf(4))[2], ratio: 0.25 };
    const bench = newBench(site);
    const before = tf.memory().numTensors;
    const masks = [made.rebuilt[0].mask];
    const { mask } = await rebuildLayerInShards({ context, shards, whole, start: initial[1], masks }, stage, [bench]);
    for (const tokens of shards) tf.dispose(await bench.hidden.take(context, { tokens, masks: [...masks, mask] }));
    // The next task closes the layer.
    bench.openLayer.forget();
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('SparseGPT gives the same masks and values on any assignment of work, and nearly equals a single pass over all windows', async () => {
  const settings = ['initialMask.method=sparsegpt'];
  const one = await siteOf(1);
  const made = await runInShards(pipelineOf(4, settings), one);
  const several = await siteOf(3);
  expect(await runInShards(pipelineOf(4, settings), several)).toMatchObject({ initial: made.initial, rebuilt: made.rebuilt.map(({ mask, entries }) => ({ mask, entries })) });
  const files = async ({ benches: [{ store }] }: Site): Promise<unknown[]> => Promise.all(made.initial.map(async (key) => (await store.find('mask', key))?.files));
  expect(await files(several)).toEqual(await files(one));
  const whole = await siteOf(1);
  const begun = await beginHere(pipelineOf(1, settings), whole.benches[0]);
  expect(difference(await bitsOf({ ...made, rebuilt: [] }, one.benches[0]), await bitsOf({ ...begun, rebuilt: [] }, whole.benches[0]))).toBeLessThan(0.01);
});

it('a different number of shards gives a different mask key', async () => {
  const site = await siteOf(1);
  const two = await runInShards(pipelineOf(2), site);
  const five = await runInShards(pipelineOf(5), site);
  expect(two.initial[0]).not.toBe(five.initial[0]);
  expect(two.rebuilt[0].mask).not.toBe(five.rebuilt[0].mask);
  expect(difference(await bitsOf(two, site.benches[0]), await bitsOf(five, site.benches[0]))).toBeLessThan(0.001);
});

it('machines that share a bucket keep no copies of sums, and few copies of intermediate masks', async () => {
  const s3 = await FakeS3.start();
  const before = { ...process.env };
  Object.assign(process.env, s3.environment);
  try {
    const states = await Promise.all([temporaryState(), temporaryState()]);
    removed.push(...states.map(({ remove }) => remove));
    const benches = await Promise.all(states.map(async ({ state }) => new Workbench(state, await openStore(state, 's3://barber/runs'))));
    const { initial, rebuilt } = await runInShards(pipelineOf(4), { state: '', benches });
    const made = new Set([...initial, ...rebuilt.map(({ mask }) => mask)]);
    const kept = (kind: string): string[] => states.flatMap(({ state }) => readdirSync(join(state, 'artifacts'), { recursive: true, encoding: 'utf8' }).flatMap((name) => new RegExp(`^${kind}/../([0-9a-f]{64})$`).exec(name)?.[1] ?? []));
    expect(kept('sums')).toEqual([]);
    // The worker that did not close the last layer still has the masks of its two sub-blocks, because it got no work since.
    expect(new Set(kept('mask').filter((key) => !made.has(key))).size).toBeLessThan(3);
    expect([...s3.objects.keys()].filter((name) => name.startsWith('runs/sums/'))).toEqual([]);
    expect([...s3.objects.keys()].filter((name) => /^runs\/mask\/.*manifest/.test(name))).toHaveLength(made.size);
  } finally {
    process.env = before;
    await s3.stop();
  }
});

it('the last layer of an initial mask leaves no hidden states in memory', async () => {
  const [bench] = (await siteOf(1)).benches;
  const pipeline = pipelineOf(2);
  const { context, stage, shards, masks } = await masksBeforeLast(pipeline, bench);
  bench.forget();
  const before = tf.memory().numTensors;
  for (const tokens of shards) await gatherShard({ context, stage, layer: masks.length, path: { tokens, masks } }, bench);
  expect(tf.memory().numTensors).toBe(before);
});

it('the next attempt uploads sums whose upload failed, without computing them again', async () => {
  const s3 = await FakeS3.start();
  const before = { ...process.env };
  Object.assign(process.env, s3.environment);
  try {
    const { state, remove } = await temporaryState();
    removed.push(remove);
    const bench = new Workbench(state, await openStore(state, 's3://barber/runs'));
    const [calibration, stage] = stagesOf(pipelineOf(2));
    const context = await prepareRun({ pipeline: pipelineOf(2) }, bench);
    const { shards = [] } = await sampleCalibration({ context, stage: calibration }, bench);
    const input = { context, stage, layer: 0, path: { tokens: shards[0], masks: [] } };
    s3.refused = /^PUT runs\/sums\//;
    await expect(gatherShard(input, bench)).rejects.toThrow();
    s3.refused = undefined;
    expect(await gatherShard(input, bench)).toMatchObject({ reused: true });
    expect([...s3.objects.keys()].filter((name) => name.startsWith('runs/sums/'))).not.toEqual([]);
  } finally {
    process.env = before;
    await s3.stop();
  }
});

describe('a worker refuses', () => {
  it('methods whose statistics are not sums over windows', async () => {
    const [bench] = (await siteOf(1)).benches;
    const pipeline = pipelineOf(2);
    const { context, shards, whole } = await runInShards(pipeline, { state: '', benches: [bench] });
    const [, stage, rebuild] = stagesOf(pipeline);
    const path = { tokens: shards[0], masks: [] };
    await expect(gatherShard({ context, stage: { ...stage, method: 'admm' }, layer: 0, path }, bench)).rejects.toThrow(/initialMask.method admm does not work from shards/);
    await expect(gatherSubBlock({ context, stage: { ...rebuild, strategy: 'best' }, layer: 0, path, start: 'a', blocks: [] }, bench)).rejects.toThrow(/rebuild.strategy best does not work from shards/);
    await expect(gatherShard({ context, stage, layer: 0, path: { tokens: whole, masks: [] } }, bench)).rejects.toThrow(/shard/);
  });

  it('shards in a request that a client would not send', async () => {
    const [bench] = (await siteOf(1)).benches;
    const pipeline = pipelineOf(4);
    const [calibration, ...rest] = pipeline.stages as [CalibrationStage, ...Pipeline['stages']];
    await expect(prepareRun({ pipeline: { ...pipeline, stages: [{ ...calibration, shards: 11 }, ...rest] } }, bench)).rejects.toThrow(/11 shards of 10 windows; expected at most one shard for each window/);
  });
});
