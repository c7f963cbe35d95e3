/** What a guarded rebuild takes. Plain numbers, so that planning need not load tensor code. */
import { addWork, f32, f64, forwardBatch, gradientBatch, type Cost, type ModelSize, type Windows, type Work } from '../../../cost/index.js';
import { callsOfFit, fitTensors, partsOfRounds, rebuildCost, stepsOfFit, type RebuildWork } from '../costs.js';
import type { CommonSettings, StepSizes } from '../method.js';
import { unstructured } from '../../parts/pattern.js';
import type { GuardSettings } from './guard-defaults.js';
import { maxTrials } from './ratio-search.js';
import { foldCount, maxRounds, roles, rulesOf } from './round-rules.js';

/** The stream, the dense outputs, and the sub-block's inputs. */
const streams = 3;
/** Candidates that shards measure at once, because they do not know yet which the search will try (ratio-search.ts). */
const candidates = maxTrials + 1;

/** What is held during the rebuild of a sub-block. */
export function heldDuring(size: ModelSize, windows: Windows, refits: boolean): Pick<RebuildWork, 'streams' | 'tensors' | 'host'> {
  // Gradients are taken from parts of batches, one per fold.
  const taught = { ...windows, perBatch: Math.min(windows.perBatch, Math.ceil(windows.samples / foldCount)) };
  return {
    streams,
    tensors: (block) => 2 * f32 * block.linear + Math.max(gradientBatch(size, block, taught), forwardBatch(size, windows)) + (refits ? refitMemory(size) : 0),
    host: (block) => 4 * block.linear + 2 * f32 * block.linear,
  };
}

/** The work of the steps of the fits, and of the fitted values. The work that grows with the tokens is part of the budget. */
export function refitWork({ layer }: ModelSize): Partial<Work> {
  const products = layer.inputWidths.reduce((total, width, i) => total + layer.readers[i] * width, 0);
  return { flops: 2 * (stepsOfFit + 1) * products, calls: callsOfFit * layer.linears, writtenBytes: f32 * layer.linear, files: layer.linears };
}

/** Bytes of the token sums of the widest input, and of the fit of a linear. */
function refitMemory({ layer }: ModelSize): number {
  const widest = Math.max(...layer.inputWidths);
  return f32 * (2 * widest ** 2 + 2 * layer.largestLinear + fitTensors(layer.largestLinear));
}

/** The rounds of a sub-block in shards, at most, and the steps of all. */
function roundsOf(size: ModelSize, { metric, weights }: CommonSettings, guard: GuardSettings): { rounds: number; steps: number; refits: boolean; gradients: number } {
  const refits = weights === 'refit';
  const reserved = refits ? ((foldCount - 1) / foldCount) * forwardsOfRefit(size) + 2 / foldCount : 0;
  // N:M takes its gradients at the dense weights. That is dearer, so it has fewer rounds.
  const rules = rulesOf(guard, { pattern: unstructured, metric }, reserved);
  const rounds = maxRounds(rules);
  // A round has two steps, and a refit has two. The last step decides what is kept.
  return { rounds, steps: 2 * rounds + 1 + (refits ? 2 : 0), refits, gradients: rules.gradientForwards };
}

/** Forwards of a refit over the same windows, as in science/methods/parts/refit.ts. */
function forwardsOfRefit({ layer: { inputWidths, readers, linear } }: ModelSize): number {
  return (inputWidths.reduce((sum, width) => sum + width ** 2, 0) + readers.reduce((sum, one) => sum + one, 0)) / linear;
}

/** The steps of a sub-block whose windows are in shards. */
export function stepSizes(size: ModelSize, common: CommonSettings, guard: GuardSettings): StepSizes {
  const { inputWidths, readers, linear, subBlocks: { length: blocks } } = size.layer;
  const { rounds, steps, refits, gradients } = roundsOf(size, common, guard);
  const ofGradients = gradients > 0 ? (f32 * linear) / blocks : 0;
  // Every second input is that of an output linear. Its products with the wanted outputs are summed, too.
  const written = (i: number): number => (i % 2) * f64 * readers[i];
  const products = refits ? inputWidths.map((width, i) => f64 * width ** 2 + written(i)) : [];
  // The current masks go from step to step. A round adds its candidates, a refit its values twice.
  const masks = steps + rounds * candidates;
  return {
    steps,
    streams,
    sumBytes: rounds * ofGradients + products.reduce((sum, one) => sum + one, 0) / blocks,
    largestSumBytes: Math.max(ofGradients, ...products),
    stateBytes: (masks * (linear / 8) + (refits ? 2 * f32 * linear : 0)) / blocks,
    largestStateBytes: Math.max((1 + candidates) * (linear / 8), refits ? linear / 8 + f32 * linear : 0) / blocks,
  };
}

/** The costs of the parts of a guarded rebuild in shards ({@link RebuildMethod.sharded}). */
export function shardCost(size: ModelSize, shard: Windows, common: CommonSettings, guard: GuardSettings): { gather: Cost; choose: Cost; finish: Cost } {
  const { rounds, steps, refits, gradients } = roundsOf(size, common, guard);
  const blocks = size.layer.subBlocks.length;
  const { training: { length: training } } = roles(0, foldCount);
  const inRound = (training * gradients + 1 + candidates) / foldCount;
  // A dense forward; errors over all windows at the beginning, at the end, and after a refit; the forward under the new masks, which for
  // the last sub-block is part of `finish`.
  const forwards = 1 + 2 + (1 - 1 / blocks) + rounds * inRound + (refits ? 1 + forwardsOfRefit(size) : 0);
  const of = (work: Pick<RebuildWork, 'forwards' | 'selections'> & Partial<RebuildWork>): Cost => rebuildCost(size, shard, { ...heldDuring(size, shard, refits), reads: 0, parts: partsOfRounds, ...work });
  const share = 1 / (blocks * steps);
  return {
    gather: of({ forwards: forwards * share, selections: 0 }),
    // It reads no windows.
    choose: of({ streams: 0, forwards: 0, selections: rounds * candidates * share, ...(refits && { more: addWork([share, refitWork(size)]) }) }),
    finish: of({ forwards: 1 / blocks, selections: 0 }),
  };
}
