import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { rebuildLayer } from '../../activities/rebuild.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { tf } from '../../science/engine/index.js';
import type { Path } from '../../activities/types.js';
import { demoPipeline, rebuildStageOf, temporaryState, type BegunRun } from '../helpers/demo-run.js';
import { beginHere } from '../helpers/in-process.js';

let state: string;
let remove: () => Promise<void>;
let bench: Workbench;
let run: BegunRun;
let path: Path;
const pipeline = demoPipeline(['durability.maxLoss=0']);

const newBench = (): Workbench => new Workbench(state, new ArtifactStore(join(state, 'artifacts')));

async function bitsOf(bench: Workbench, at: Path): Promise<string> {
  const batches = await bench.hidden.take(run.context, at);
  const bits = batches.map((batch) => Buffer.from(batch.dataSync().buffer).toString('base64')).join();
  tf.dispose(batches);
  return bits;
}

beforeAll(async () => {
  ({ state, remove } = await temporaryState());
  bench = newBench();
  run = await beginHere(pipeline, bench);
  for (let layer = 0; layer < 2; layer++) {
    const masks = run.initial.slice(0, layer);
    await advanceLayer({ context: run.context, layer, path: { tokens: run.tokens, masks }, mask: run.initial[layer] }, bench);
  }
  path = { tokens: run.tokens, masks: run.initial.slice(0, 2) };
});
afterAll(() => remove());

async function hiddenFiles(): Promise<string[]> {
  const folder = join(state, 'artifacts', 'hidden');
  return (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('hidden.f32')).map((name) => join(folder, name));
}

describe('hidden states between layers have the same bits', () => {
  let inMemory: string;

  it('from memory and from disk, in another process', async () => {
    inMemory = await bitsOf(bench, path);
    expect((await hiddenFiles()).length).toBe(1);
    expect(await bitsOf(newBench(), path)).toBe(inMemory);
  });

  it('when a stored file was damaged, and when all are gone', async () => {
    for (const file of await hiddenFiles()) {
      const bytes = await readFile(file);
      bytes[5] ^= 1;
      await writeFile(file, bytes);
    }
    expect(await bitsOf(newBench(), path)).toBe(inMemory);
    await rm(join(state, 'artifacts', 'hidden'), { recursive: true, force: true });
    expect(await bitsOf(newBench(), path)).toBe(inMemory);
  });
});

it('keeps no tensors between layers except the hidden states', async () => {
  const fresh = newBench();
  const stage = rebuildStageOf(pipeline);
  const counts: number[] = [];
  const masks: string[] = [];
  for (let layer = 0; layer < run.context.model.layers; layer++) {
    const at = { tokens: run.tokens, masks: [...masks] };
    masks.push((await rebuildLayer({ context: run.context, stage, layer, path: at, start: run.initial[layer] }, fresh)).mask);
    if (layer + 1 < run.context.model.layers) counts.push(tf.memory().numTensors);
  }
  // The first layer may leave tables behind that the other layers share (rotary angles, causal mask).
  expect(new Set(counts).size).toBe(1);
  fresh.forget();
});

it('reuses a finished layer with the same result', async () => {
  const stage = rebuildStageOf(pipeline);
  const input = { context: run.context, stage, layer: 0, path: { tokens: run.tokens, masks: [] }, start: run.initial[0] };
  const first = await rebuildLayer(input, newBench());
  const second = await rebuildLayer(input, newBench());
  expect(first.reused).toBe(true);
  expect(second).toEqual(first);
});

it('ends a guarded rebuild with a lower error than a published one, and records its decisions', async () => {
  const at = { context: run.context, layer: 0, path: { tokens: run.tokens, masks: [] }, start: run.initial[0] };
  const published = await rebuildLayer({ ...at, stage: rebuildStageOf(pipeline) }, newBench());
  const guarded = await rebuildLayer({ ...at, stage: rebuildStageOf(demoPipeline(['rebuild.strategy=guarded'])) }, newBench());
  for (const [index, { errorBefore, errorAfter, rounds }] of guarded.entries.entries()) {
    expect(errorAfter).toBeLessThan(errorBefore);
    expect(errorAfter).toBeLessThan(published.entries[index].errorAfter);
    expect(rounds?.some(({ accepted }) => accepted)).toBe(true);
  }
  expect(guarded.mask).not.toBe(published.mask);
});
