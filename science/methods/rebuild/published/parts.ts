import { outlive, tf, type Tensor3D } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { changes, disposeMasks, finishedMasks, workingMasks } from '../../parts/working-masks.js';
import { firstState } from '../../parts/sub-block-state.js';
import { rebuildParts, type OpenWindows, type PartRequest } from '../method.js';
import { runUnchanged } from '../run-unchanged.js';
import { chooseSwaps } from './choose-swaps.js';
import { gatherSubBlock } from './gather-sub-block.js';
import { wholeRatio, type settings } from './method.js';
import { finalPass } from './sub-block-rebuild.js';
import type { RebuildSettings } from '../sub-block.js';
import { SubBlockSums } from './sub-block-sums.js';

/** The residual stream before the sub-block, and the sub-block's dense outputs once they are known. */
class Stream implements OpenWindows {
  denseOutputs: Tensor3D[] = [];

  constructor(readonly hidden: Tensor3D[]) {}

  outlive(): void {
    for (const h of this.hidden) outlive(h);
  }

  dispose(): void {
    tf.dispose([...this.hidden, ...this.denseOutputs]);
  }
}

function settingsOf({ common, pattern, settings: { ratio = wholeRatio } }: PartRequest<typeof settings>): RebuildSettings {
  return { ...common, ratio, pattern };
}

/** One published round of a sub-block (sub-block-rebuild.ts) from shards of the windows, in one step. */
export const parts = rebuildParts<typeof settings, Stream, SubBlockSums>({
  open: ({ hidden }) => Promise.resolve(new Stream(hidden)),
  gather: async (request, windows) => {
    const { masks, updates } = firstState(linearsOf(request.subBlock), request);
    const denseOutputs: Tensor3D[] = [];
    try {
      const sums = await gatherSubBlock({ ...request, hidden: windows.hidden, masks, updates, settings: settingsOf(request), onDense: (y) => denseOutputs.push(outlive(y)) });
      tf.dispose(windows.denseOutputs);
      windows.denseOutputs = denseOutputs;
      return sums;
    } catch (fault) {
      tf.dispose(denseOutputs);
      throw fault;
    }
  },
  finish: async (request, windows) => {
    const { hidden, denseOutputs } = windows;
    try {
      // Windows that were opened again have not been gathered.
      if (denseOutputs.length > 0) return await finalPass({ ...request, hidden }, firstState(linearsOf(request.subBlock), request), denseOutputs);
      const { hidden: after, report } = await runUnchanged({ ...request, hidden });
      return { hidden: after, error: report.errorAfter };
    } finally {
      windows.dispose();
    }
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
