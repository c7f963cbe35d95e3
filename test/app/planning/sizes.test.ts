import { expect, it } from 'vitest';
import { logitsBytes, scoreCost, sequencesPerBatch } from '../../../app/planning/index.js';
import { stageSteps } from '../../../app/planning/stages.js';
import { forwardWork, hiddenBytes, maskBytes, type Cost, type ModelSize, type Windows } from '../../../science/cost/index.js';
import { initialMethods, rebuildMethods } from '../../../science/methods/index.js';
import { pipelineOf } from './pipelines.js';
import { llama7b } from './llama7b.js';

/** 128 windows of 2,048 tokens, one at a time: the calibration of the paper. */
const windows = { samples: 128, time: 2048, perBatch: 1 };
/** 128 x 2048 x 4096 float32. */
const stream = 4_294_967_296;
/** 4 x 4096^2 + 3 x 4096 x 11008 weights, and two norms of 4096. */
const linear = 202_375_168;
const layer = linear + 8192;
const { model, size } = llama7b();

const { magnitude, wanda, sparsegpt, admm } = initialMethods;
const common = { granularity: 'block', metric: 'weight-gradient', weights: 'keep-updates' } as const;
const published = (s: ModelSize, w: Windows): Cost => rebuildMethods.published.cost(s, w, common, {});
const guarded = (s: ModelSize, w: Windows, weights: 'keep-updates' | 'refit' = 'keep-updates', budget = 8): Cost =>
  rebuildMethods.guarded.cost(s, w, { ...common, weights }, { budget });

it('knows the sizes of LLaMA-7B', () => {
  expect(size.parameters).toBe(6_738_415_616);
  expect(size.prunable).toBe(32 * linear);
  expect(size.fileBytes).toBe(13_476_831_232);
  expect(size.layer).toMatchObject({ parameters: layer, linear, largestLinear: 45_088_768, linears: 7, inputWidths: [4096, 4096, 4096, 11008] });
  expect(size.layer.subBlocks.map((block) => block.linear)).toEqual([67_108_864, 135_266_304]);
  expect([size.embedding, size.head]).toEqual([131_072_000, 131_076_096]);
  expect(hiddenBytes(size, windows)).toBe(stream);
  expect(maskBytes(size)).toBe(25_296_896);
  expect(logitsBytes(size, windows)).toBe(4 * 2047 * 32000);
  expect(logitsBytes(size, { ...windows, perBatch: 8 })).toBe(256 * 2 ** 20);
  expect(sequencesPerBatch(pipelineOf(), model)).toBe(1);
});

it('counts the products of a forward', () => {
  // Two for each weight and token. Scores and their product with the values take 2 x 2 x 4096 for each of the 1,152 keys that a query has on average.
  expect(forwardWork(size, windows).flops).toBe(128 * 2048 * (2 * linear + 4 * 1152 * 4096));
});

it('may keep the dense path of a rebuild on disk too', () => {
  const rebuildOf = (...settings: string[]) => stageSteps(pipelineOf(['rebuild.strategy=best', ...settings]), size, 1).find(({ type }) => type === 'rebuild')!;
  const [alone, beside] = [rebuildOf('rebuild.effort=1'), rebuildOf('rebuild.effort=10')];
  expect(beside.disk.kept).toBe(alone.disk.kept);
  const keepDense = rebuildOf('rebuild.effort=10', 'rebuild.weights=keep-dense');
  expect([alone, beside, keepDense].map(({ hidden }) => hidden)).toEqual([1, 2, 1].map((paths) => [{ windows, layers: 31, paths, times: 1 }]));
  expect([alone, beside].map(({ steps }) => steps[0].count)).toEqual([1, 2]);
});

it('counts a layer in float32, and the streams that each stage keeps', () => {
  const twice = { ...windows, samples: 256 };
  const grows = (cost: (size: ModelSize, windows: Windows) => Cost): number => cost(size, twice).memory.tensors - cost(size, windows).memory.tensors;
  expect(magnitude.cost(size, windows).memory.tensors).toBe(4 * layer);
  expect(grows(wanda.cost)).toBe(2 * stream);
  expect(grows((s, w) => published(s, w))).toBe(2 * stream);
  expect(grows((s, w) => guarded(s, w))).toBe(3 * stream);
  // The moments of down_proj's input, before and after a batch is added to them, and at most 1.5 GiB more.
  const refit = guarded(size, windows, 'refit').memory.tensors - guarded(size, windows).memory.tensors;
  expect(refit).toBeGreaterThan(2 * 4 * 11008 ** 2);
  expect(refit).toBeLessThan(2 * 4 * 11008 ** 2 + 1.5 * 2 ** 30);
  expect(grows(scoreCost)).toBe(stream);
  const { tensors } = published(size, windows).memory;
  // The layer, masks and squared gradients of the larger sub-block, two streams, and at most 3 GiB for a batch of one.
  const least = 4 * layer + 2 * 4 * 135_266_304 + 2 * stream;
  expect(tensors).toBeGreaterThan(least);
  expect(tensors).toBeLessThan(least + 3 * 2 ** 30);
});

it('counts Hessians of all inputs in float64 for SparseGPT, and its updates', () => {
  const [more, less] = [sparsegpt.cost(size, windows).memory, wanda.cost(size, windows).memory];
  const hessians = 8 * (3 * 4096 ** 2 + 11008 ** 2);
  expect(hessians).toBe(1_372_061_696);
  // In the engine, together with the matrices of a factor, which the host reads once.
  const tensors = hessians + 5 * 8 * 11008 ** 2;
  expect(more.tensors - less.tensors).toBeGreaterThan(tensors);
  expect(more.tensors - less.tensors).toBeLessThan(tensors + 2 ** 30);
  const host = 8 * 11008 ** 2 + 4 * linear;
  expect(more.host - less.host).toBeGreaterThan(host);
  expect(more.host - less.host).toBeLessThan(host + 2 ** 30);
});

it('counts inverses, iterations and moments of ADMM', () => {
  const [more, less] = [admm.cost(size, windows), wanda.cost(size, windows)];
  // For each input, nine times four products to raise rho, and thirty with all rows; and some more for factors and the fit.
  const inverses = 9 * 4 * 2 * (3 * 4096 ** 3 + 11008 ** 3);
  const iterations = 30 * 2 * (4 * 4096 ** 3 + 2 * 11008 * 4096 ** 2 + 4096 * 11008 ** 2);
  const moments = 2 * 128 * 2048 * (3 * 4096 ** 2 + 11008 ** 2);
  const least = inverses + iterations + moments;
  expect(more.work.flops - less.work.flops).toBeGreaterThan(least);
  expect(more.work.flops - less.work.flops).toBeLessThan(1.3 * least);
  // All moments, one copy of the hidden states, and temporarily the factor and inverse of down_proj's input.
  const held = 8 * (3 * 4096 ** 2 + 11008 ** 2) + 5 * (8 + 4) * 11008 ** 2 + 4 * layer + stream;
  expect(more.memory.tensors).toBeGreaterThan(held);
  expect(more.memory.tensors).toBeLessThan(held + stream + 3 * 2 ** 30);
  // For each input a factor in float64, and its inverse.
  expect(more.work.doubleFlops).toBeCloseTo((4 / 3) * (3 * 4096 ** 3 + 11008 ** 3), -3);
  expect(more.work.writtenBytes - less.work.writtenBytes).toBe(4 * linear);
});

it('counts the steps of a refit in addition to the budget', () => {
  const flops = (weights: 'keep-updates' | 'refit'): number => guarded(size, windows, weights).work.flops;
  // Ten steps and the first residual, each a product of every linear with its inputs' moments.
  const products = 4 * 4096 ** 3 + 2 * 4096 * 11008 * 4096 + 4096 * 11008 ** 2;
  expect(flops('refit') - flops('keep-updates')).toBe(2 * 11 * products);
});

it('counts the whole budget of a guarded rebuild', () => {
  const forward = forwardWork(size, windows).flops;
  expect(published(size, windows).work.flops / forward).toBeCloseTo(4.33, 6);
  expect(guarded(size, windows).work.flops / forward).toBeCloseTo(12.33, 6);
});
