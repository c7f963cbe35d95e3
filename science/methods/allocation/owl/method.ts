import { inputScoresCost } from '../costs.js';
import { allocationMethod, spreadSetting } from '../method.js';
import { byValue } from '../shifts.js';

/** The paper's lambda. */
const defaultSpread = 0.08;

export const owl = allocationMethod({
  description: 'The share of outliers in each decoder layer. More outliers make the layer denser (OWL, Yin et al. 2023). Runs the dense model forward once.',
  settings: { spread: spreadSetting },
  defaultSpread,
  needs: 'inputs',
  version: 1,
  identity: ({ spread = defaultSpread }) => ({ spread }),
  deviations: (linears, { spread = defaultSpread }) => ({ reach: spread, shifts: byValue(linears) }),
  cost: inputScoresCost,
  load: () => import('./run.js'),
});
