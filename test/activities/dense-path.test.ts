/** A rebuild that runs a dense path beside its own: what is lost on the way is made again with the same bits, and nothing is left. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { begin, demoPipeline, rebuildStageOf, temporaryState } from '../helpers/demo-run.js';

const stages = { prepareRun, sampleCalibration, makeInitialMask };
const pipeline = demoPipeline(['rebuild.strategy=best', 'rebuild.effort=3']);
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

/** Rebuilds all layers in a store of its own. @returns what each layer came to, and how many hidden states it has left in all */
async function rebuild(after: (bench: Workbench, place: Place) => Promise<Workbench>): Promise<{ summaries: unknown[]; left: number }> {
  const { state, remove } = await temporaryState();
  removals.push(remove);
  const place: Place = { state, newBench: () => new Workbench(state, new ArtifactStore(join(state, 'artifacts'))) };
  let bench = place.newBench();
  const run = await begin((task, input) => (stages as never as Record<string, (input: unknown, bench: Workbench) => never>)[task](input, bench), pipeline);
  const before = (await stored(place)).length;
  const masks: string[] = [];
  const summaries: unknown[] = [];
  for (let layer = 0; layer < run.context.model.layers; layer++) {
    const { mask, entries } = await rebuildLayer({ context: run.context, stage: rebuildStageOf(pipeline), layer, path: { tokens: run.tokens, masks: [...masks] }, start: run.initial[layer] }, bench);
    masks.push(mask);
    summaries.push([entries, (await bench.store.find('mask', mask))?.files]);
    bench = await after(bench, place);
  }
  bench.forget();
  return { summaries, left: (await stored(place)).length - before };
}

const untouched = rebuild((bench) => Promise.resolve(bench));

it('leaves the states of the rebuilt path alone, those behind the last layer', async () => {
  expect((await untouched).left).toBe(1);
});

it.each([
  ['from disk, in another process', (_: Workbench, { newBench }: Place) => Promise.resolve(newBench())],
  ['by running the dense layers again where all states are gone', async (_: Workbench, { state, newBench }: Place) => {
    await rm(join(state, 'artifacts', 'hidden'), { recursive: true, force: true });
    return newBench();
  }],
])('has the same bits %s', async (_, after) => {
  expect((await rebuild(after)).summaries).toEqual((await untouched).summaries);
});
