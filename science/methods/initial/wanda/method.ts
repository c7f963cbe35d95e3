import { f64 } from '../../../cost/index.js';
import { inputStatisticsCost, plainMaskCost } from '../costs.js';
import { initialMethod } from '../method.js';

export const wanda = initialMethod({
  description: 'The smallest `|W| * ||x||` of each output row (Sun et al. 2023).',
  settings: {},
  needs: 'hidden-states',
  updates: false,
  groups: 'output',
  version: 1,
  identity: () => ({}),
  cost: inputStatisticsCost,
  load: () => import('./run.js'),
  sharded: {
    sumBytes: ({ layer }) => f64 * layer.columns,
    cost: (size, shard) => ({ gather: inputStatisticsCost(size, shard), choose: plainMaskCost(size) }),
    load: () => import('./run.js'),
  },
});
