import { plainMaskCost } from '../costs.js';
import { initialMethod } from '../method.js';

export const settings = {
  source: {
    description:
      "With `method: file`: a mask file (safetensors) or the folder of a pruned checkpoint, relative to this file. If the checkpoint has other values for kept weights (SparseGPT), they are used too.",
    type: 'string',
    minLength: 1,
    examples: ['./masks/llama-13b-50.safetensors'],
  },
} as const;

export const file = initialMethod({
  description: 'A mask from elsewhere, read from `source`.',
  settings,
  needs: 'source',
  updates: false,
  version: 1,
  // The key has the digests of the source instead of its path.
  identity: () => ({}),
  cost: plainMaskCost,
  load: () => import('./run.js'),
});
