import type { Weights } from '../../../models/types.js';
import { linearsOf } from '../../../models/linears.js';
import type { Masks } from '../../parts/masked-weights.js';
import { changes, disposeMasks, type Changes } from '../../parts/working-masks.js';
import { importances } from '../published/importance.js';
import { searchMasks, type MaskSearch } from '../published/mask-search.js';
import type { SquaredGradients } from '../../parts/squared-gradients.js';
import type { RebuildSettings, SubBlockRebuild } from '../sub-block.js';
import { searchRatio } from './ratio-search.js';
import type { GuardRound, Progress, Round, RoundRules } from './round-rules.js';

/** Ranks the swaps of a round once for all ratios. Frees the gradients. @param base weights of all masks but the first */
export async function rankSwaps({ subBlock, settings: { pattern, granularity, metric } }: Pick<SubBlockRebuild, 'subBlock'> & { settings: Omit<RebuildSettings, 'ratio'> }, base: Weights, masks: Masks, gradients: SquaredGradients): Promise<MaskSearch> {
  const linears = linearsOf(subBlock);
  const importance = importances(linears, base, gradients, metric);
  gradients.dispose();
  return searchMasks({ linears, importance, masks, pattern, granularity, rule: 'pairs' });
}

export interface Trials {
  rules: RoundRules;
  progress: Progress;
  round: Round;
  /** The masks before the round, and the error of the judging fold under them. */
  masks: Masks;
  errorBefore: number;
  /** Returns the masks for a ratio. They are owned by the trials. */
  candidateAt: (ratio: number) => Masks;
  /** Returns the error of the judging fold under the masks for a ratio. */
  errorOf: (candidate: Masks, ratio: number) => number | Promise<number>;
  /** Whether a ratio can be tried; always if absent. */
  isKnown?: (ratio: number) => boolean;
}

/**
 * Tries ratios, and decides whether the best one is accepted.
 * @returns the progress after the round, and the best masks if they are accepted; undefined if no ratio could be tried
 */
export async function tryRatios({ rules, progress, round, masks, errorBefore, candidateAt, errorOf, isKnown = () => true }: Trials): Promise<{ progress: Progress; report: GuardRound; accepted?: Masks } | undefined> {
  const { ladder, limit, tolerance } = rules;
  let { forwards } = round;
  let best: { error: number; masks: Masks; changed: Changes } | undefined;
  const trialErrors = await searchRatio({
    ladder, start: round.start, error: errorBefore, towards: round.towards, mayTry: (ratio) => forwards + round.trial <= limit && isKnown(ratio),
    attempt: async (ratio) => {
      const candidate = candidateAt(ratio);
      const changed = changes(masks, candidate);
      let error = errorBefore;
      if (changed.grown > 0) {
        forwards += round.trial;
        error = await errorOf(candidate, ratio);
      }
      // A comparison with NaN is false. A sparse output may overflow although that of a smaller ratio does not.
      const isBest = best === undefined || Number.isNaN(best.error) || error < best.error;
      disposeMasks(isBest ? best?.masks : candidate);
      if (isBest) best = { error, masks: candidate, changed };
      return error;
    },
  });
  if (best === undefined) return undefined;
  const { error, masks: candidate, changed } = best;
  const { ratio } = trialErrors.find((trial) => trial.error === error) ?? trialErrors[0];
  const accepted = error < errorBefore * (1 - tolerance);
  const report = { ratio, error, errorBefore, trialErrors, accepted, ...changed };
  if (!accepted) disposeMasks(candidate);
  return {
    progress: { rounds: [...progress.rounds, report], rung: accepted ? ladder.indexOf(ratio) : progress.rung, forwards },
    report,
    ...(accepted && { accepted: candidate }),
  };
}
