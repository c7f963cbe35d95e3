import { allocationMethod, spreadSetting } from '../method.js';
import { rampDeviations } from './ramp.js';

/** Chosen by measurement on small models (docs/allocation.md). */
const defaultSpread = 0.15;
const defaultKinds = 0.03;

export const ramp = allocationMethod({
  description:
    'The position in the model alone: sparsity rises linearly from the first decoder layer to the last, and `v` and `o` are denser than `q` and `k`. Runs nothing and needs no calibration.',
  settings: {
    spread: spreadSetting,
    kinds: {
      description: `With \`method: ramp\`: how much denser \`v\` and \`o\` of the attention are than the layer, and how much sparser \`q\` and \`k\` are. Default: ${defaultKinds}. 0 treats them all alike.`,
      type: 'number',
      minimum: 0,
      maximum: 1,
      examples: [defaultKinds],
    },
  },
  defaultSpread,
  needs: 'nothing',
  version: 1,
  identity: ({ spread = defaultSpread, kinds = defaultKinds }) => ({ spread, kinds }),
  deviations: (linears, { spread = defaultSpread, kinds = defaultKinds }) => rampDeviations(linears, spread, kinds),
});
