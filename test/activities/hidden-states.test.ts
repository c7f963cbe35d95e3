/** How often hidden states are stored, and that no result depends on it. Every forward counts as ten seconds here. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { scorePerplexity } from '../../activities/evaluation.js';
import { hiddenKey } from '../../activities/hidden-paths.js';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { PathProgressTracker } from '../../activities/path-progress.js';
import type { Path, RunContext } from '../../activities/types.js';
import { Workbench } from '../../activities/workbench.js';
import type { InitialMaskStage } from '../../app/config/pipeline.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { tf } from '../../science/engine/index.js';
import { demoPipeline, temporaryState, type BegunRun } from '../helpers/demo-run.js';
import { beginHere } from '../helpers/in-process.js';
import { requireBuild } from '../helpers/set-up.js';

requireBuild();
const pipeline = demoPipeline();
const forwardSeconds = 10;
let run: BegunRun;
let bench: Workbench;
const removals: (() => Promise<void>)[] = [];

/** A new store with calibration and masks, and a workbench that uses it. */
async function newPlace(): Promise<{ artifacts: string; newBench: (store?: ArtifactStore) => Workbench }> {
  const { state, remove } = await temporaryState();
  removals.push(remove);
  const artifacts = join(state, 'artifacts');
  const newBench = (store = new ArtifactStore(artifacts)): Workbench => (bench = new Workbench(state, store));
  const first = newBench();
  run = await beginHere(pipeline, first);
  first.hidden.forget();
  return { artifacts, newBench };
}

let place: Awaited<ReturnType<typeof newPlace>>;
beforeAll(async () => {
  vi.spyOn(PathProgressTracker.prototype, 'forward').mockReturnValue(forwardSeconds);
  place = await newPlace();
});
afterEach(async () => {
  for (let layers = 1; layers <= run.initial.length; layers++) await bench.hidden.end(run.context, pathTo(layers));
  bench.hidden.forget();
});
afterAll(async () => {
  vi.restoreAllMocks();
  for (const remove of removals) await remove();
});

const pathTo = (layers: number): Path => ({ tokens: run.tokens, masks: run.initial.slice(0, layers) });
const contextOf = (maxLoss: number): RunContext => ({ ...run.context, maxLoss });
const advance = (layer: number, context: RunContext, by: Workbench) => advanceLayer({ context, layer, path: pathTo(layer), mask: run.initial[layer] }, by);

/** The layers after which hidden states are on disk. */
async function stored(): Promise<number[]> {
  const found = (await readdir(join(place.artifacts, 'hidden'), { recursive: true }).catch(() => [])).filter((name) => name.endsWith('hidden.f32'));
  return [1, 2, 3, 4].filter((layers) => found.some((name) => name.includes(hiddenKey(run.context, pathTo(layers)))));
}

interface LogLine {
  event: string;
  summary: { from: number; to: number };
}

/** Number of forwards that were repeated so far. */
async function repeated(): Promise<number> {
  const lines = (await readFile(join(place.artifacts, 'log.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as LogLine);
  return lines.filter(({ event }) => event === 'repeated').reduce((sum, { summary: { from, to } }) => sum + to - from, 0);
}

async function bitsAt(path: Path, by: Workbench): Promise<string> {
  const batches = await by.hidden.take(run.context, path);
  const bits = batches.map((batch) => Buffer.from(batch.dataSync().buffer).toString('base64')).join();
  tf.dispose(batches);
  return bits;
}

describe('hidden states are stored', () => {
  it.each([
    // Seconds that a crash may cost, and the states on disk after the first layer, the second and so on.
    // Earlier states stay until the layer is known to be finished, because they are needed to recompute it.
    [0, [[1], [1, 2], [2, 3], [3, 4]]],
    [15, [[1], [1, 2], [2, 3], [3]]],
    [25, [[], [2], [2], [2]]],
    // All remaining work costs no more than that.
    [41, [[], [], [], []]],
  ])('the last ones that are needed, if a crash may cost %i seconds', async (maxLoss, expected) => {
    const by = place.newBench();
    const seen: number[][] = [];
    for (let layer = 0; layer < 4; layer++) {
      await advance(layer, contextOf(maxLoss), by);
      await by.hidden.idle();
      seen.push(await stored());
    }
    expect(seen).toEqual(expected);
    await scorePerplexity({ context: { ...contextOf(maxLoss), notBefore: new Date().toISOString() }, path: pathTo(4) }, by);
    expect(await stored()).toEqual([]);
  });

  it.each([0, 15, 25])('so that a process that ends at any moment loses at most %i seconds and no bits', async (maxLoss) => {
    for (let layers = 1; layers <= 4; layers++) {
      const by = place.newBench();
      for (let layer = 0; layer < layers; layer++) await advance(layer, contextOf(maxLoss), by);
      const [before, expected] = [await repeated(), await bitsAt(pathTo(layers), by)];
      // Background writes are lost with the process.
      await by.hidden.close();
      expect(await readdir(join(place.artifacts, 'drafts'))).toEqual([]);
      expect(await bitsAt(pathTo(layers), place.newBench())).toBe(expected);
      expect(((await repeated()) - before) * forwardSeconds).toBeLessThanOrEqual(maxLoss);
      await bench.hidden.end(run.context, pathTo(layers));
    }
  });

  it('so that no layer runs again while its mask is missing, but the hidden states after it are there', async () => {
    class KilledStore extends ArtifactStore {
      override findOrMake(...[kind, dependsOn, make]: Parameters<ArtifactStore['findOrMake']>): ReturnType<ArtifactStore['findOrMake']> {
        return super.findOrMake(kind, dependsOn, async (draft) => {
          const summary = await make(draft);
          if (kind === 'mask') throw new Error('killed');
          return summary;
        });
      }
    }
    const stage = { ...(pipeline.stages[1] as InitialMaskStage), sparsity: 0.7 };
    const context = { ...contextOf(0), sparsity: 0.7 };
    const masks: string[] = [];
    const before = await repeated();
    for (let layer = 0; layer < 4; layer++) {
      const input = { context, stage, layer, path: { tokens: run.tokens, masks: [...masks] } };
      await expect(makeInitialMask(input, place.newBench(new KilledStore(place.artifacts)))).rejects.toThrow('killed');
      masks.push((await makeInitialMask(input, place.newBench())).mask);
    }
    expect((await repeated()) - before).toBe(0);
    expect(await readdir(join(place.artifacts, 'hidden'), { recursive: true })).not.toContainEqual(expect.stringContaining('hidden.f32'));
  });

  it('but those from before a retry are not used', async () => {
    await advance(0, contextOf(0), place.newBench());
    const before = await repeated();
    const again = place.newBench();
    tf.dispose(await again.hidden.take({ ...run.context, notBefore: new Date(Date.now() + 1000).toISOString() }, pathTo(1)));
    expect((await repeated()) - before).toBe(1);
  });
});

it('gives the same result when a layer runs again because its result was lost', async () => {
  const by = place.newBench();
  const first = await advance(0, contextOf(60), by);
  expect(await advance(0, contextOf(60), by)).toEqual(first);
  const storedOnce = await advance(1, contextOf(0), by);
  expect(await advance(1, contextOf(0), place.newBench())).toEqual(storedOnce);
});

it('reports an incident and continues if the disk for hidden states is full, without delaying masks', async () => {
  class FullStore extends ArtifactStore {
    isFull = true;
    override findOrMake(...[kind, dependsOn, make]: Parameters<ArtifactStore['findOrMake']>): ReturnType<ArtifactStore['findOrMake']> {
      if (kind === 'hidden' && this.isFull) return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
      return super.findOrMake(kind, dependsOn, make);
    }
  }
  const store = new FullStore(place.artifacts);
  const by = place.newBench(store);
  const told: string[] = [];
  by.onIncident = (what) => told.push(what);
  const stage: InitialMaskStage = { ...(pipeline.stages[1] as InitialMaskStage), sparsity: 0.6 };
  const context = { ...contextOf(0), sparsity: 0.6 };
  const masks: string[] = [];
  const make = async (layer: number): Promise<void> => {
    masks.push((await makeInitialMask({ context, stage, layer, path: { tokens: run.tokens, masks: [...masks] } }, by)).mask);
  };
  await make(0);
  await make(1);
  expect(told).toEqual([0, 1].map((layer) => `hidden states after layer ${layer} could not be written (ENOSPC: no space left on device); the run continues, and they are recomputed if they are lost`));
  store.isFull = false;
  await make(2);
  const third = { tokens: run.tokens, masks: [...masks] };
  expect(await store.find('hidden', hiddenKey(context, third))).toBeDefined();
  expect(told).toHaveLength(2);
  await make(3);
  expect(await store.find('hidden', hiddenKey(context, third))).toBeUndefined();
});
