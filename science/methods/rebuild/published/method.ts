import { f32, gradientBatch, type Cost, type ModelSize, type Windows } from '../../../cost/index.js';
import { gradientForwards, publishedForwards, rebuildCost, type RebuildWork } from '../costs.js';
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

/** Share of the found swaps that are made, for stages from before there was a default that do not give it. */
export const wholeRatio = 1;

/** The residual stream and the dense outputs. */
const streams = 2;

/** Returns the memory that the rebuild of a sub-block needs. */
function workOf(size: ModelSize, windows: Windows): Pick<RebuildWork, 'streams' | 'tensors' | 'host'> {
  return {
    streams,
    // Squared gradients, and on a GPU the masks.
    tensors: (block) => 2 * f32 * block.linear + gradientBatch(size, block, windows),
    // Old and new masks, importances, and positions and keys of the weights that may be swapped.
    host: (block) => 2 * block.linear + 1.5 * f32 * block.linear,
  };
}

export const published = rebuildMethod({
  description: 'One round per sub-block with a fixed `ratio`, as in the paper.',
  settings,
  defaults: { ratio: 0.1 },
  weights: ['keep-dense', 'keep-updates'],
  defaultWeights: () => 'keep-dense',
  version: 1,
  identity: ({ ratio = wholeRatio }) => ({ ratio }),
  cost: (size, windows, { metric }) =>
    rebuildCost(size, windows, { ...workOf(size, windows), forwards: publishedForwards - (metric === 'weight' ? gradientForwards : 0), selections: 1 }),
  describe: ({ ratio }) => `ratio ${ratio}`,
  load: () => import('./run.js'),
  sharded: {
    steps: ({ layer }) => {
      const sumBytes = (f32 * layer.linear) / layer.subBlocks.length;
      return { steps: 1, streams, sumBytes, largestSumBytes: sumBytes, stateBytes: 0, largestStateBytes: 0 };
    },
    cost: (size, shard, common) => {
      const share = 1 / size.layer.subBlocks.length;
      // The forward under the new masks is part of the next gathering. Only that of the last sub-block is part of `finish`.
      const gathered = publishedForwards - share - (common.metric === 'weight' ? gradientForwards : 0);
      const of = (forwards: number, selections: number): Cost => rebuildCost(size, shard, { ...workOf(size, shard), reads: 0, forwards, selections });
      return { gather: of(gathered * share, 0), choose: of(0, share), finish: of(share, 0) };
    },
    load: () => import('./parts.js'),
  },
});
