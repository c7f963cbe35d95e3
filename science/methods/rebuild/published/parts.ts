import { tf, type Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { changes, disposeMasks, finishedMasks, workingMasks } from '../../parts/working-masks.js';
import { firstState } from '../guarded/guard.js';
import { rebuildParts, type OpenWindows, type PartRequest } from '../method.js';
import { chooseSwaps } from './choose-swaps.js';
import { gatherSubBlock } from './gather-sub-block.js';
import { wholeRatio, type settings } from './method.js';
import type { RebuildSettings } from './sub-block-rebuild.js';
import { SubBlockSums } from './sub-block-sums.js';

/** The windows need no preparation. */
interface Stream extends OpenWindows {
  hidden: Tensor3D[];
}

function settingsOf({ common, pattern, settings: { ratio = wholeRatio } }: PartRequest<typeof settings>): RebuildSettings {
  return { ...common, ratio, pattern };
}

/** One published round of a sub-block (sub-block-rebuild.ts) from shards of the windows, in one step. */
export const parts = rebuildParts<typeof settings, Stream, SubBlockSums>({
  open: ({ hidden }) => Promise.resolve({ hidden, dispose: () => { tf.dispose(hidden); } }),
  gather: (request, { hidden }) => {
    const { masks, updates } = firstState(linearsOf(request.subBlock), request);
    return gatherSubBlock({ ...request, hidden, masks, updates, settings: settingsOf(request) });
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
