import { f32, forwardBatch, gradientBatch, type ModelSize, type Work } from '../../../cost/index.js';
import type { Values } from '../../settings.js';
import { callsOfFit, fitTensors, gradientForwards, guardForwards, partsOfRounds, publishedForwards, rebuildCost, stepsOfFit } from '../costs.js';
import { rebuildMethod } from '../method.js';
import { guardDefaults } from './guard-defaults.js';

export const settings = {
  rounds: {
    description: `Guarded: the maximum number of rounds per sub-block. Default: ${guardDefaults.rounds}.`,
    type: 'integer',
    minimum: 1,
    maximum: 100,
  },
  tolerance: {
    description: `Guarded: the share by which a round must lower the error. Otherwise it is undone, and no other round follows. Default: ${guardDefaults.tolerance}.`,
    type: 'number',
    minimum: 0,
    exclusiveMaximum: 1,
  },
  budget: {
    description: `Guarded: how many forwards over the calibration windows to spend beyond the ${publishedForwards} of a published round. Default: ${guardDefaults.budget}.`,
    type: 'number',
    minimum: 0,
  },
} as const;

/** The settings with their defaults. */
export function guardOf({ rounds = guardDefaults.rounds, tolerance = guardDefaults.tolerance, budget = guardDefaults.budget }: Values<typeof settings>): { rounds: number; tolerance: number; budget: number } {
  return { rounds, tolerance, budget };
}

/** Number of folds of the windows. */
const folds = 4;

export const guarded = rebuildMethod({
  description:
    "Repeats rounds while the sub-block's error on held-out calibration windows falls. It finds the ratio by trying, and undoes a round that does not help. Better masks in about three times the time of `published`.",
  settings,
  defaults: {},
  weights: ['keep-dense', 'keep-updates', 'refit'],
  defaultWeights: (changed) => (changed ? 'refit' : 'keep-updates'),
  version: 2,
  identity: guardOf,
  // Assumes that the whole budget is spent.
  cost: (size, windows, { metric, weights }, { budget = guardDefaults.budget }) => {
    const refit = weights === 'refit';
    // Gradients are taken from parts of batches, one per fold.
    const fitWindows = { ...windows, perBatch: Math.min(windows.perBatch, Math.ceil(windows.samples / folds)) };
    return rebuildCost(size, windows, {
      // The stream, the dense outputs, and the sub-block's inputs.
      streams: 3,
      tensors: (block) => 2 * f32 * block.linear + Math.max(gradientBatch(size, block, fitWindows), forwardBatch(size, windows)) + (refit ? refitMemory(size) : 0),
      host: (block) => 4 * block.linear + 2 * f32 * block.linear,
      forwards: publishedForwards - (metric === 'weight' ? gradientForwards : 0) + budget + guardForwards(size),
      parts: partsOfRounds,
      // A round tries a few ratios, with one selection each.
      selections: Math.max(1, budget),
      more: refit ? refitWork(size) : {},
    });
  },
  describe: () => '',
  load: () => import('./run.js'),
});

/** The work of the steps of the fits, and of the fitted values. The work that grows with the tokens is part of the budget. */
function refitWork({ layer }: ModelSize): Partial<Work> {
  const products = layer.inputWidths.reduce((total, width, i) => total + layer.readers[i] * width, 0);
  return { flops: 2 * (stepsOfFit + 1) * products, calls: callsOfFit * layer.linears, writtenBytes: f32 * layer.linear, files: layer.linears };
}

/** Bytes of the token sums of the widest input, and of the fit of a linear. */
function refitMemory({ layer }: ModelSize): number {
  const widest = Math.max(...layer.inputWidths);
  return f32 * (2 * widest ** 2 + 2 * layer.largestLinear + fitTensors(layer.largestLinear));
}
