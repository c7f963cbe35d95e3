import type { Values } from '../../settings.js';
import { gradientForwards, guardForwards, partsOfRounds, publishedForwards, rebuildCost } from '../costs.js';
import { rebuildMethod } from '../method.js';
import { heldDuring, refitWork, shardCost, stepSizes } from './costs.js';
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
    return rebuildCost(size, windows, {
      ...heldDuring(size, windows, refit),
      forwards: publishedForwards - (metric === 'weight' ? gradientForwards : 0) + budget + guardForwards(size),
      parts: partsOfRounds,
      // A round tries a few ratios, with one selection each.
      selections: Math.max(1, budget),
      more: refit ? refitWork(size) : {},
    });
  },
  describe: () => '',
  load: () => import('./run.js'),
  sharded: {
    steps: (size, common, set) => stepSizes(size, common, guardOf(set)),
    cost: (size, shard, common, set) => shardCost(size, shard, common, guardOf(set)),
    load: () => import('./parts.js'),
  },
});
