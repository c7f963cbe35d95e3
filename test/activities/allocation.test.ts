/** Sparsity allocated by scores: the total is exact, and lost artifacts are recomputed with the same bits. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { advanceLayer } from '../../activities/advance-layer.js';
import { allocatedBudgets, findScores, scoreLayer, scoresDependOn } from '../../activities/allocation.js';
import { makeInitialMask } from '../../activities/initial-mask.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { proveMasks } from '../../activities/prove.js';
import { sampleCalibration } from '../../activities/sample-tokens.js';
import type { RunContext, TokensRef } from '../../activities/types.js';
import { disposeWeights } from '../../activities/weights.js';
import { Workbench } from '../../activities/workbench.js';
import { ArtifactLostError, ArtifactStore } from '../../files/artifacts/index.js';
import type { Allocation, CalibrationStage, InitialMaskStage } from '../../app/config/pipeline.js';
import { tf } from '../../science/engine/index.js';
import { InputNorms, layerForward } from '../../science/methods/index.js';
import { linearsOf } from '../../science/models/index.js';
import { demoPipeline, temporaryState } from '../helpers/demo-run.js';

const sparsity = 0.537;
let context: RunContext;
let tokens: TokensRef;
let state: string;
const removals: (() => Promise<void>)[] = [];

async function freshBench(): Promise<Workbench> {
  const temporary = await temporaryState();
  removals.push(temporary.remove);
  state = temporary.state;
  const bench = new Workbench(state, new ArtifactStore(join(state, 'artifacts')));
  const pipeline = demoPipeline([`initialMask.sparsity=${sparsity}`]);
  context = await prepareRun({ pipeline }, bench);
  ({ tokens } = await sampleCalibration({ context, stage: pipeline.stages[0] as CalibrationStage }, bench));
  return bench;
}
beforeAll(async () => void (await freshBench()));
afterAll(() => Promise.all(removals.map((remove) => remove())));

const layers = (): number[] => Array.from({ length: context.model.layers }, (_, layer) => layer);

async function forward(bench: Workbench): Promise<void> {
  for (const layer of layers()) await advanceLayer({ context, layer, path: { tokens, masks: layers().slice(0, layer).map(() => null) }, mask: null, keep: true }, bench);
}

async function score(method: Allocation['method'], bench: Workbench): Promise<void> {
  if (method === 'ramp') return;
  if (method === 'sensitivity') await forward(bench);
  for (const layer of method === 'sensitivity' ? layers().reverse() : layers()) await scoreLayer({ context, method, tokens, layer }, bench);
}

describe.each(['owl', 'sensitivity', 'dlp', 'ramp'] as const)('%s', (method) => {
  it('prunes exactly the given share, not uniformly, and leaves no hidden states behind', async () => {
    const bench = await freshBench();
    const needs = { owl: 'inputs', dlp: 'inputs', sensitivity: 'gradients', ramp: 'nothing' }[method];
    expect(await findScores({ context, method, tokens }, bench)).toEqual({ needs, known: needs === 'nothing' });
    await score(method, bench);
    expect(await findScores({ context, method, tokens }, bench)).toEqual({ needs, known: true });
    const budgets = await allocatedBudgets(context, { method }, tokens, bench);
    expect([...budgets.values()].reduce((a, b) => a + b, 0)).toBe(Math.floor(context.model.prunable * sparsity));
    expect(new Set(budgets.values()).size).toBeGreaterThan(2);
    const left = await readdir(join(state, 'artifacts'), { recursive: true });
    expect(left.filter((name) => name.endsWith('.f32'))).toEqual([]);
  });

  it.each(['magnitude', 'wanda', 'sparsegpt', 'admm'] as const)('gives each %s mask its share, and the proof passes', async (maker) => {
    const bench = await freshBench();
    await score(method, bench);
    const stage: InitialMaskStage = { type: 'initialMask', method: maker, sparsity, pattern: 'unstructured', allocation: { method } };
    const masks: string[] = [];
    const shares: number[] = [];
    for (const layer of layers()) {
      const made = await makeInitialMask({ context, stage, layer, path: { tokens, masks: [...masks] }, scoredOn: tokens }, bench);
      masks.push(made.mask);
      shares.push(made.sparsity);
    }
    await proveMasks({ context, stage, masks, start: [] }, bench);
    expect(new Set(shares).size).toBeGreaterThan(1);
    await expect(proveMasks({ context: { ...context, sparsity: sparsity + 0.0001 }, stage, masks, start: [] }, bench)).rejects.toThrow('all linears');
  });
});

it('scores a layer for DLP by the median of its Wanda scores, computed here by sorting', async () => {
  const bench = await freshBench();
  await score('dlp', bench);
  const open = await bench.model(context.model);
  const weights = await bench.layerWeights(open, 0);
  const norms = new InputNorms();
  const hidden = await bench.hidden.take(context, { tokens, masks: [] });
  tf.dispose(await layerForward({ layer: open.model.decoderLayer(0), hidden, weights, onInput: norms.add }));
  const all: number[] = [];
  for (const { name } of linearsOf(open.model.decoderLayer(0))) {
    const inputs = norms.norms(name);
    const values = (await weights.get(name)?.data()) as Float32Array;
    values.forEach((value, i) => all.push(Math.fround(Math.abs(value) * inputs[i % inputs.length])));
  }
  disposeWeights(weights);
  const median = all.sort((a, b) => a - b)[Math.ceil(all.length / 2) - 1];
  const manifest = await bench.store.find('scores', ArtifactStore.key('scores', scoresDependOn(context, 'dlp', tokens, 0)));
  expect(new Set(Object.values(manifest?.summary as Record<string, number>))).toEqual(new Set([-median]));
});

it('needs no calibration for a ramp, and makes the same masks with and without it', async () => {
  const bench = await freshBench();
  expect(await findScores({ context, method: 'ramp' }, bench)).toEqual({ needs: 'nothing', known: true });
  const stage: InitialMaskStage = { type: 'initialMask', method: 'magnitude', sparsity, pattern: 'unstructured', allocation: { method: 'ramp', spread: 0.1, kinds: 0.05 } };
  const made = await makeInitialMask({ context, stage, layer: 0 }, bench);
  expect(await makeInitialMask({ context, stage, layer: 0, path: { tokens, masks: [] }, scoredOn: tokens }, bench)).toMatchObject({ mask: made.mask, reused: true });
  // The first layer is denser, by about the spread.
  expect(made.sparsity).toBeCloseTo(sparsity - 0.1, 2);
});

it('refuses an allocation by scores without calibration', async () => {
  const bench = await freshBench();
  expect(await findScores({ context, method: 'dlp' }, bench)).toEqual({ needs: 'inputs', known: false });
  await expect(allocatedBudgets(context, { method: 'dlp' }, undefined, bench)).rejects.toThrow('the allocation dlp has no calibration; expected scores from a calibration');
});

it('recomputes a lost gradient together with its scores', async () => {
  const undisturbed = await freshBench();
  await score('sensitivity', undisturbed);
  const expected = await allocatedBudgets(context, { method: 'sensitivity' }, tokens, undisturbed);

  const bench = await freshBench();
  await forward(bench);
  const [last, before] = layers().reverse();
  await scoreLayer({ context, method: 'sensitivity', tokens, layer: last }, bench);
  await rm(join(state, 'artifacts', 'gradient'), { recursive: true });
  await expect(scoreLayer({ context, method: 'sensitivity', tokens, layer: before }, bench)).rejects.toThrow(ArtifactLostError);
  // As the workflow does: start over, and reuse what is still there.
  await score('sensitivity', bench);
  expect(await allocatedBudgets(context, { method: 'sensitivity' }, tokens, bench)).toEqual(expected);
});
