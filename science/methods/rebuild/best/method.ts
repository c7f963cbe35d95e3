import { f32, forwardBatch, gradientBatch } from '../../../cost/index.js';
import { rebuildCost } from '../costs.js';
import { rebuildMethod } from '../method.js';
import { defaultEffort, efforts } from './recipe.js';

export const settings = {
  effort: {
    description: `Best: how many forwards over the calibration windows may be spent, about: 1, 3, 10 or 30; ${defaultEffort} if absent. More gives a better model.`,
    type: 'integer',
    enum: efforts,
    examples: [defaultEffort],
  },
} as const;

export const best = rebuildMethod({
  description: 'The order of steps that measures best: masks and weights by ADMM, then reconstruction of each decoder layer; more of it with more `effort`. Every step is undone where held-out windows get worse.',
  settings,
  defaults: {},
  weights: ['refit'],
  defaultWeights: () => 'refit',
  version: 1,
  needsDensePath: () => process.env['SHARE'] !== undefined,
  identity: ({ effort = defaultEffort }) => ({ effort }),
  cost: (size, windows, _, { effort = defaultEffort }) =>
    rebuildCost(size, windows, {
      streams: 5,
      tensors: (block) => 2 * f32 * block.linear + Math.max(gradientBatch(size, block, windows), forwardBatch(size, windows)),
      host: (block) => 4 * block.linear + 2 * f32 * block.linear,
      forwards: 5 + effort,
      selections: 30,
    }),
  describe: ({ effort = defaultEffort }) => `effort ${effort}`,
  load: () => import('./run.js'),
});
