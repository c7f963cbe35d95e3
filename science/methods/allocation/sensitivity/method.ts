import { backwardCost } from '../costs.js';
import { allocationMethod, spreadSetting } from '../method.js';
import { byRank } from '../shifts.js';

/** The paper's alpha. */
const defaultSpread = 0.1;

export const sensitivity = allocationMethod({
  description:
    'How sensitive the loss is to each linear (after Shao et al. 2024). Runs the dense model forward and backward once, with the hidden states of all layers on disk.',
  settings: { spread: spreadSetting },
  defaultSpread,
  needs: 'gradients',
  version: 2,
  identity: ({ spread = defaultSpread }) => ({ spread }),
  deviations: (linears, { spread = defaultSpread }) => ({ reach: spread, shifts: byRank(linears) }),
  cost: backwardCost,
  load: () => import('./run.js'),
});
