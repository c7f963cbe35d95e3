import { f32, gradientBatch } from '../../../cost/index.js';
import { gradientForwards, publishedForwards, rebuildCost } from '../costs.js';
import { rebuildMethod } from '../method.js';

export const settings = {
  ratio: {
    description: 'Published: share of the found swaps that are made. Default: 0.1.',
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 1,
    examples: [0.1],
  },
} as const;

/** Share of the found swaps that are made where a stage of before there were defaults does not say. */
export const wholeRatio = 1;

export const published = rebuildMethod({
  description: 'One round per sub-block with a fixed `ratio`, as in the paper.',
  settings,
  defaults: { ratio: 0.1 },
  weights: ['keep-dense', 'keep-updates'],
  defaultWeights: () => 'keep-dense',
  version: 1,
  identity: ({ ratio = wholeRatio }) => ({ ratio }),
  cost: (size, windows, { metric }) =>
    rebuildCost(size, windows, {
      // The stream and the dense outputs.
      streams: 2,
      tensors: (block) => 2 * f32 * block.linear + gradientBatch(size, block, windows),
      host: (block) => 2 * block.linear + 2 * f32 * block.linear,
      forwards: publishedForwards - (metric === 'weight' ? gradientForwards : 0),
      selections: 1,
    }),
  describe: ({ ratio }) => `ratio ${ratio}`,
  load: () => import('./run.js'),
  sharded: { sumBytes: ({ layer }) => f32 * layer.linear, load: () => import('./parts.js') },
});
