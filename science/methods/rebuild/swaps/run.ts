import { eachSubBlock } from '../each-sub-block.js';
import type { RebuildRun } from '../method.js';
import { swapsOf, type settings } from './method.js';
import { swapRebuild } from './swap-rebuild.js';

/** Makes exact swaps in each sub-block, and a refit if it is requested. */
export const run: RebuildRun<typeof settings> = (request) => {
  const { swapRounds, candidates } = swapsOf(request.settings);
  // All swaps that lower the error are made, not a share of them.
  const ratio = 1;
  return eachSubBlock(request, ratio, async (subBlockRequest, onDecision) => {
    const { report: { undone, ...report }, ...rebuilt } = await swapRebuild({
      ...subBlockRequest,
      swapRounds,
      candidates,
      round: request.round,
      onLinear: (name, swaps) => { onDecision(`${name}: ${swaps} swaps`); },
    });
    if (undone) onDecision('all undone: they raised the error');
    return { ...rebuilt, report };
  }, { guarded: true });
};
