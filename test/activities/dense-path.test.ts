/** A rebuild that runs a dense path beside its own: lost states are recomputed with the same bits, and nothing is left at the end. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { rebuildLayer } from '../../activities/rebuild.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { demoPipeline, rebuildStageOf, temporaryState } from '../helpers/demo-run.js';
import { beginHere } from '../helpers/in-process.js';

const pipelineOf = (maxLoss: number) => demoPipeline(['rebuild.strategy=best', 'rebuild.effort=3', `durability.maxLoss=${maxLoss}`]);
const removals: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(removals.map((remove) => remove())));

interface Place {
  state: string;
  newBench: () => Workbench;
}

const stored = async ({ state }: Place): Promise<string[]> => {
  const files = await readdir(join(state, 'artifacts', 'hidden'), { recursive: true }).catch(() => []);
  return files.filter((name) => name.endsWith('hidden.f32'));
};

/** Rebuilds all layers in its own store. @returns the result of each layer, and the number of hidden states on disk after each */
async function rebuild(maxLoss: number, after: (bench: Workbench, place: Place) => Promise<Workbench>): Promise<{ summaries: unknown[]; stored: number[] }> {
  const pipeline = pipelineOf(maxLoss);
  const { state, remove } = await temporaryState();
  removals.push(remove);
  const place: Place = { state, newBench: () => new Workbench(state, new ArtifactStore(join(state, 'artifacts'))) };
  let bench = place.newBench();
  const run = await beginHere(pipeline, bench);
  const counts: number[] = [];
  const masks: string[] = [];
  const summaries: unknown[] = [];
  for (let layer = 0; layer < run.context.model.layers; layer++) {
    const { mask, entries } = await rebuildLayer({ context: run.context, stage: rebuildStageOf(pipeline), layer, path: { tokens: run.tokens, masks: [...masks] }, start: run.initial[layer] }, bench);
    masks.push(mask);
    summaries.push([entries, (await bench.store.find('mask', mask))?.files]);
    counts.push((await stored(place)).length);
    bench = await after(bench, place);
  }
  bench.forget();
  return { summaries, stored: counts };
}

const untouched = rebuild(60, (bench) => Promise.resolve(bench));

it('stores nothing that can be recomputed within the allowed loss', async () => {
  expect((await untouched).stored).toEqual([0, 0, 0, 0]);
});

it('stores the states of both paths after each layer if no loss is allowed, and removes them at the end', async () => {
  const { summaries, stored } = await rebuild(0, (_, { newBench }) => Promise.resolve(newBench()));
  expect(stored).toEqual([2, 4, 6, 0]);
  expect(summaries).toEqual((await untouched).summaries);
});

it.each([
  ['if none were stored', 60, (_: Workbench, { newBench }: Place) => Promise.resolve(newBench())],
  ['if all stored ones are gone', 0, async (_: Workbench, { state, newBench }: Place) => {
    await rm(join(state, 'artifacts', 'hidden'), { recursive: true, force: true });
    return newBench();
  }],
])('gives the same bits by running the layers of both paths again, %s', async (_, maxLoss, after) => {
  expect((await rebuild(maxLoss, after)).summaries).toEqual((await untouched).summaries);
});
