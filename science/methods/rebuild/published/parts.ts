import { linearsOf } from '../../../models/linears.js';
import { changes, disposeMasks, finishedMasks, workingMasks } from '../../parts/working-masks.js';
import { firstState } from '../guarded/guard.js';
import { rebuildParts, type PartRequest } from '../method.js';
import { chooseSwaps } from './choose-swaps.js';
import { gatherSubBlock } from './gather-sub-block.js';
import { wholeRatio, type settings } from './method.js';
import type { RebuildSettings } from './sub-block-rebuild.js';
import { SubBlockSums } from './sub-block-sums.js';

function settingsOf({ common, pattern, settings: { ratio = wholeRatio } }: PartRequest<typeof settings>): RebuildSettings {
  return { ...common, ratio, pattern };
}

/** One published round of a sub-block (sub-block-rebuild.ts) from shards of the windows. */
export const parts = rebuildParts<typeof settings, SubBlockSums>({
  gather: (request) => {
    const { masks, updates } = firstState(linearsOf(request.subBlock), request);
    return gatherSubBlock({ ...request, masks, updates, settings: settingsOf(request) });
  },
  restore: (subBlock, sums) => SubBlockSums.of(linearsOf(subBlock), sums),
  choose: async (request, gathered) => {
    const before = workingMasks(linearsOf(request.subBlock), request.masks);
    try {
      const { masks, updates } = await chooseSwaps({ ...request, masks: before, settings: settingsOf(request) }, gathered);
      try {
        return { masks: finishedMasks(masks), ...(updates && { updates }), report: { errorBefore: gathered.error, ...changes(before, masks) } };
      } finally {
        disposeMasks(masks);
      }
    } finally {
      disposeMasks(before);
    }
  },
});
