import { inputScoresCost } from '../costs.js';
import { allocationMethod, spreadSetting } from '../method.js';
import { byValue } from '../shifts.js';

/** The authors' alpha in their example for 70 % sparsity. */
const defaultSpread = 0.15;

export const dlp = allocationMethod({
  description: 'The median of `|W| * ||x||` in each decoder layer. A smaller median makes the layer denser (DLP, Chen et al. 2025). Runs the dense model forward once.',
  settings: { spread: spreadSetting },
  defaultSpread,
  needs: 'inputs',
  version: 1,
  identity: ({ spread = defaultSpread }) => ({ spread }),
  deviations: (linears, { spread = defaultSpread }) => ({ reach: spread, shifts: byValue(linears) }),
  cost: inputScoresCost,
  load: () => import('./run.js'),
});
