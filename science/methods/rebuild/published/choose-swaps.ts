import { linearsOf } from '../../../models/linears.js';
import { withUpdates } from '../../parts/masked-weights.js';
import type { Masks } from '../../parts/masked-weights.js';
import { importances } from './importance.js';
import { searchMasks } from './mask-search.js';
import { rebuildBase } from '../rebuild-base.js';
import type { SubBlockRebuild } from '../sub-block.js';
import type { SubBlockSums } from './sub-block-sums.js';

export interface ChosenSwaps {
  /** The caller disposes what they hold on the device. */
  masks: Masks;
  /** Values of the sub-block's linears that differ from the dense ones; absent if none do. */
  updates?: Map<string, Float32Array>;
}

/**
 * Runs steps 3 and 4 of LLM-Barber: returns the masks after the swaps and the values under them. Frees the gradients.
 * @param request `masks` are the sub-block's working masks, on the device if the engine works there
 */
export async function chooseSwaps(request: Omit<SubBlockRebuild, 'hidden'>, { gradients }: SubBlockSums): Promise<ChosenSwaps> {
  const { subBlock, dense, masks, settings } = request;
  const linears = linearsOf(subBlock);
  const updates = await rebuildBase(linears, { ...request, ...settings });
  const importance = await withUpdates(dense, updates ?? new Map(), (base) => Promise.resolve(importances(linears, base, gradients, settings.metric)));
  gradients.dispose();
  const search = await searchMasks({ linears, importance, masks, pattern: settings.pattern, granularity: settings.granularity, rule: 'published' });
  try {
    return { masks: search.at(settings.ratio), ...(updates && { updates }) };
  } finally {
    search.dispose();
  }
}
