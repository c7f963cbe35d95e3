import type { SubBlockEntry } from '../method.js';
import type { GuardRefit } from './guarded-refit.js';
import type { GuardRound } from './round-rules.js';

/** Returns the decisions of a guarded rebuild for its report. If everything together raised the error over all windows, nothing was kept. */
export function decisionsOf({ rounds, refit, undone }: { rounds: readonly GuardRound[]; refit?: GuardRefit; undone: boolean }): Pick<SubBlockEntry, 'rounds' | 'refit'> {
  return {
    rounds: rounds.map(({ ratio, errorBefore, error, accepted }) => ({ ratio, errorBefore, error, accepted: accepted && !undone })),
    ...(refit && { refit: { ...refit, accepted: refit.accepted && !undone } }),
  };
}
