import type { CalibrationFolds } from './calibration-folds.js';
import type { State } from '../../parts/sub-block-state.js';
import type { GuardedRebuild } from './guarded-rebuild.js';
import { withUpdates } from '../../parts/masked-weights.js';
import { refitForwards, refitSubBlock } from '../../parts/refit.js';
import type { FoldSizes } from './round-rules.js';

export interface GuardRefit {
  /** Error of the held-out windows before and after. */
  errorBefore: number;
  error: number;
  accepted: boolean;
}

/** Returns the folds that a refit learns from, and the last fold, which judges it. With four folds, no round chooses its ratio by that one. */
export function refitRoles(folds: number): { training: number[]; judging: number } {
  const all = Array.from({ length: folds }, (_, fold) => fold);
  return { training: folds === 1 ? all : all.slice(0, -1), judging: folds - 1 };
}

/** Returns the cost of a refit and its judgement, in forwards over all windows. */
export function refitCost({ subBlock }: Pick<GuardedRebuild, 'subBlock'>, folds: FoldSizes): number {
  const { training, judging } = refitRoles(folds.count);
  return folds.share(training) * refitForwards(subBlock) + 2 * folds.share([judging]);
}

/** Decides whether a refit is kept. */
export function judgeRefit(errorBefore: number, error: number): GuardRefit {
  return { errorBefore, error, accepted: error < errorBefore };
}

/** Refits the weights with the final masks of the rounds, and keeps them if that lowers the error of held-out windows. */
export async function tryRefit(request: GuardedRebuild, folds: CalibrationFolds, state: State): Promise<{ state: State; refit: GuardRefit }> {
  const { subBlock, dense, round } = request;
  const { training, judging } = refitRoles(folds.count);
  const { masks } = state;
  return withUpdates(dense, state.updates ?? new Map(), async (start) => {
    const each = (visit: Parameters<CalibrationFolds['each']>[1]): Promise<void> => folds.each(training, visit);
    const updates = await refitSubBlock({ subBlock, dense, masks, start, each, tokens: folds.tokens(training), round });
    const errorBefore = await folds.error(judging, { weights: start, masks });
    const error = await withUpdates(dense, updates, (weights) => folds.error(judging, { weights, masks }));
    const refit = judgeRefit(errorBefore, error);
    return { state: refit.accepted ? { masks, updates } : state, refit };
  });
}
