import { f32, forwardBatch, type ModelSize, type Windows, type Work } from '../../../cost/index.js';
import type { Values } from '../../settings.js';
import { callsOfFit, fitTensors, guardForwards, rebuildCost, stepsOfFit } from '../costs.js';
import { rebuildMethod } from '../method.js';

/** After 10 rounds, rows of 4,096 weights are nearly done. 5 rounds leave 1 % more error unstructured, and 2 % more with 2:4 (random weights). */
const swapDefaults = { swapRounds: 10, candidates: 48 };

export const settings = {
  swapRounds: {
    description: `Swaps: the maximum number of rounds in each row of a linear. Default: ${swapDefaults.swapRounds}.`,
    type: 'integer',
    minimum: 1,
    maximum: 1000,
  },
  candidates: {
    description: `Swaps: how many kept and how many pruned weights of a row are compared in a round (with N:M, of each M inputs). Default: ${swapDefaults.candidates}.`,
    type: 'integer',
    minimum: 1,
    maximum: 1024,
  },
} as const;

/** The settings with their defaults. */
export function swapsOf({ swapRounds = swapDefaults.swapRounds, candidates = swapDefaults.candidates }: Values<typeof settings>): { swapRounds: number; candidates: number } {
  return { swapRounds, candidates };
}

export const swaps = rebuildMethod({
  description:
    "Exchanges kept and pruned weights of the same row. The Gram matrix of the inputs gives the exact effect of each exchange on the error of the linear's outputs. The rows keep their budgets, so `granularity` and `metric` have no effect.",
  settings,
  defaults: {},
  byRow: true,
  weights: ['keep-dense', 'keep-updates', 'refit'],
  defaultWeights: () => 'refit',
  version: 2,
  identity: swapsOf,
  cost: (size, windows, { weights }, set) => {
    const refit = weights === 'refit';
    const widest = Math.max(...size.layer.inputWidths);
    const fit = refit ? fitTensors(size.layer.largestLinear) : 0;
    return rebuildCost(size, windows, {
      // The stream, the dense outputs, and the sub-block's inputs.
      streams: 3,
      tensors: (block) => 2 * f32 * block.linear + forwardBatch(size, windows) + f32 * (2 * widest ** 2 + 3 * size.layer.largestLinear + fit),
      // Masks and values, two copies of the Gram matrix, and correlation and values of a linear.
      host: (block) => 2 * block.linear + 2 * f32 * block.linear + f32 * (2 * widest ** 2 + 3 * size.layer.largestLinear),
      // A dense and a sparse forward at the start, the input linears again, and the last pass, which runs twice if the rebuild is undone.
      forwards: 4 + guardForwards(size),
      selections: 0,
      more: moreWork(size, windows, refit, swapsOf(set)),
    });
  },
  describe: () => '',
  load: () => import('./run.js'),
});

/** Fits of a linear: one before the swaps, one after. */
const fits = 2;
/** Share of a row's weights that are swapped. Measured from Wanda's masks: 2 to 7 % after a fit, 6 to 20 % without; more with N:M. */
const swapped = { fitted: 0.05, dense: 0.12 };

/** The work of the moments of the inputs, the fits, and the swaps on the host (counted in science/methods/parts/exact-swaps.ts). */
function moreWork({ layer }: ModelSize, { samples, time }: Windows, refit: boolean, { swapRounds, candidates }: { swapRounds: number; candidates: number }): Partial<Work> {
  const products = layer.inputWidths.reduce((total, width, i) => total + layer.readers[i] * width, 0);
  const moments = layer.inputWidths.reduce((total, width, i) => total + layer.shares[i] * width ** 2, 0);
  const targets = layer.readers.reduce((total, weights, i) => total + (i % 2 === 1 ? layer.shares[i] * weights : 0), 0);
  const hostFlops = layer.inputWidths.reduce((total, width, i) => {
    const rows = layer.readers[i] / width;
    const few = Math.min(candidates, width / 2);
    const swapsOfRow = Math.min(swapRounds * few, (refit ? swapped.fitted : swapped.dense) * width);
    return total + rows * (swapRounds * (8 * width + 4 * few ** 2) + swapsOfRow * (5 * few ** 2 + 4 * width));
  }, 0);
  return {
    flops: 2 * samples * time * (moments + targets) + 2 * products * (2 + (refit ? fits * (stepsOfFit + 1) : 0)),
    hostFlops,
    calls: refit ? fits * callsOfFit * layer.linears : 0,
    ...(refit && { writtenBytes: f32 * layer.linear, files: layer.linears }),
  };
}
