import { linearsOf } from '../../../models/linears.js';
import { withUpdates } from '../../parts/masked-weights.js';
import type { Masks } from '../../parts/masked-weights.js';
import { importances } from './importance.js';
import { searchMasks } from './mask-search.js';
import { rebuildBase } from './rebuild-base.js';
import type { SubBlockRebuild } from './sub-block-rebuild.js';
import type { SubBlockSums } from './sub-block-sums.js';

export interface ChosenSwaps {
  /** What they hold on the device is the caller's to dispose. */
  masks: Masks;
  /** Values of the sub-block's linears, as far as they are not the dense ones; absent if all are. */
  updates?: Map<string, Float32Array>;
}

/**
 * Steps 3 and 4 of LLM-Barber: the masks after the swaps, and the values under them. Frees the gradients.
 * @param request `masks` are the sub-block's, where they are worked on
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
