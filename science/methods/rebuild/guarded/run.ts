import { eachSubBlock } from '../each-sub-block.js';
import type { RebuildRun } from '../method.js';
import { decisionsOf } from './guard-entry.js';
import type { GuardRefit } from './guarded-refit.js';
import { guardedRebuild } from './guarded-rebuild.js';
import { guardOf, type settings } from './method.js';

/** Runs rounds of LLM-Barber as long as they help, and a refit if it is requested and helps. */
export const run: RebuildRun<typeof settings> = (request) => {
  const guard = guardOf(request.settings);
  // Rounds try their own ratios.
  const ratio = 1;
  return eachSubBlock(request, ratio, async (subBlockRequest, onDecision) => {
    let count = 0;
    const { report, ...rebuilt } = await guardedRebuild({
      ...subBlockRequest,
      guard,
      round: request.round,
      onRound: (made) => { onDecision(`round ${++count}: ratio ${made.ratio}, ${describe(made)}`); },
      onRefit: (made) => { onDecision(`refit: ${describe(made)}`); },
    });
    const { errorBefore, errorAfter, grown, pruned, forwards } = report;
    return { ...rebuilt, report: { errorBefore, errorAfter, grown, pruned, ...decisionsOf(report), forwards } };
  }, { guarded: true });
};

function describe({ errorBefore, error, accepted }: GuardRefit): string {
  return `held-out error ${errorBefore.toPrecision(3)} -> ${error.toPrecision(3)}${accepted ? '' : ', undone'}`;
}
