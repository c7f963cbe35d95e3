import { plainMaskCost } from '../costs.js';
import { initialMethod } from '../method.js';

export const magnitude = initialMethod({
  description: 'The smallest `|W|` of each linear. Needs no calibration.',
  settings: {},
  needs: 'weights',
  updates: false,
  groups: 'layer',
  version: 1,
  identity: () => ({}),
  cost: plainMaskCost,
  load: () => import('./run.js'),
});
