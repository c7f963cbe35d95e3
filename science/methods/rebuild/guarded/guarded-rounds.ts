import { linearsOf } from '../../../models/linears.js';
import type { Weights } from '../../../models/types.js';
import type { CalibrationFolds, GradientAt, Sparse } from './calibration-folds.js';
import { guardDefaults } from './guard-defaults.js';
import type { State } from './guard.js';
import type { GuardedRebuild } from './guarded-rebuild.js';
import { publishedForwards } from '../costs.js';
import { importances, needsGradients } from '../published/importance.js';
import { withUpdates } from '../../parts/masked-weights.js';
import type { Masks, Updates } from '../../parts/masked-weights.js';
import { searchRatio } from './ratio-search.js';
import type { RatioTrial } from './ratio-search.js';
import { rebuildBase } from '../published/rebuild-base.js';
import { searchMasks } from '../published/mask-search.js';
import { changes, disposeMasks } from '../../parts/working-masks.js';
import type { Changes } from '../../parts/working-masks.js';
import { SquaredGradients } from '../published/squared-gradients.js';

export interface GuardRound {
  /** The best of the ratios tried. */
  ratio: number;
  /** Error of the held-out windows with the mask of that trial. */
  error: number;
  /** Error of the same windows before the round. */
  errorBefore: number;
  trialErrors: RatioTrial[];
  accepted: boolean;
  /** Weights that came back and that were pruned in the best trial, even if it was undone. */
  grown: number;
  pruned: number;
}

/** Each round takes gradients from two folds and judges on a third, so that no window does both. */
export const foldCount = 4;
/** The search for a ratio starts here. */
const firstRatio = 0.2;
/** The forwards of a guarded rebuild outside its rounds. */
const fixedForwards = 3;
/** A sparse forward, gradients at the outputs, and weight gradients. At the dense weights also a dense forward. */
const gradientForwards: Record<GradientAt, number> = { sparse: 2.33, dense: 3.33 };

/**
 * Runs rounds as long as they help and the budget lasts.
 *
 * @param reserved forwards of the budget that rounds may not use
 */
export async function runRounds(request: GuardedRebuild, folds: CalibrationFolds, first: State, reserved: number): Promise<Rounds> {
  const { subBlock, dense, settings } = request;
  // Values are fixed at the start: a weight that is pruned in one round and comes back in a later one has its first value.
  const updates = await rebuildBase(linearsOf(subBlock), { dense, ...first, ...settings });
  return withUpdates(dense, first.updates ?? new Map(), (start) =>
    withUpdates(dense, updates ?? new Map(), (base) => runRoundsFrom(request, folds, first, { start, base, updates }, reserved)),
  );
}

interface Rounds {
  state: State;
  rounds: GuardRound[];
  /** The cost in forwards over all windows. */
  forwards: number;
}

/** Weights for the first masks, and for all later masks. */
interface Values {
  start: Weights;
  base: Weights;
  updates: Updates | undefined;
}

async function runRoundsFrom(request: GuardedRebuild, folds: CalibrationFolds, first: State, values: Values, reserved: number): Promise<Rounds> {
  const { guard, settings, subBlock } = request;
  const ladder = [...new Set(guard.ratios ?? guardDefaults.ratios)].sort((a, b) => b - a);
  const limit = publishedForwards + guard.budget - reserved;
  const at: GradientAt = settings.pattern.kind === 'N:M' ? 'dense' : 'sparse';
  const gradientCost = needsGradients(settings.metric) ? gradientForwards[at] : 0;
  const rounds: GuardRound[] = [];
  let current: State = first;
  let forwards = fixedForwards;
  let rung = nearest(ladder, firstRatio);
  for (let round = 0; round < guard.rounds; round++) {
    const { training, judging } = roles(round, folds.count);
    const judge = async (sparse: Sparse): Promise<number> => {
      forwards += folds.share(judging);
      return folds.error(judging, sparse);
    };
    // In the first round, the error before is known already.
    const beforeCost = round === 0 ? 0 : folds.share(judging);
    const mayTry = (): boolean => forwards + folds.share(judging) <= limit;
    const needed = folds.share(training) * gradientCost + beforeCost + folds.share(judging);
    if (forwards + needed > limit) break;

    forwards += folds.share(training) * gradientCost;
    const { masks } = current;
    const sparse = { weights: current === first ? values.start : values.base, masks };
    const gradients = needsGradients(settings.metric) ? await folds.gradients(training, sparse, at) : new SquaredGradients();
    const linears = linearsOf(subBlock);
    const importance = importances(linears, values.base, gradients, settings.metric);
    gradients.dispose();
    const search = await searchMasks({ linears, importance, masks, pattern: settings.pattern, granularity: settings.granularity, rule: 'pairs' });
    const errorBefore = round === 0 ? folds.firstError(judging) : await judge(sparse);
    let best: { error: number; masks: Masks; changed: Changes } | undefined;
    const trialErrors = await searchRatio({
      ladder, start: rung, error: errorBefore, towards: round === 0 ? -1 : 1, mayTry,
      attempt: async (ratio) => {
        const candidate = search.at(ratio);
        const changed = changes(masks, candidate);
        const error = changed.grown === 0 ? errorBefore : await judge({ weights: values.base, masks: candidate });
        const isBest = best === undefined || error < best.error;
        disposeMasks(isBest ? best?.masks : candidate);
        if (isBest) best = { error, masks: candidate, changed };
        return error;
      },
    }).finally(search.dispose);
    if (best === undefined) break;
    const { error, masks: candidate, changed } = best;
    const { ratio } = trialErrors.find((trial) => trial.error === error) ?? trialErrors[0];
    const accepted = error < errorBefore * (1 - guard.tolerance);
    const report = { ratio, error, errorBefore, trialErrors, accepted, ...changed };
    rounds.push(report);
    request.onRound?.(report);
    if (!accepted) {
      disposeMasks(candidate);
      break;
    }
    if (current !== first) disposeMasks(masks);
    current = { masks: candidate, ...(values.updates && { updates: values.updates }) };
    rung = ladder.indexOf(ratio);
  }
  return { state: current, rounds, forwards };
}

/** Returns the folds that give a round's gradients, and the fold that judges its trials. They differ unless there is only one fold. */
function roles(round: number, folds: number): { training: number[]; judging: number[] } {
  const count = Math.max(1, Math.floor(folds / 2));
  const at = (offset: number): number => (round * count + offset) % folds;
  return { training: Array.from({ length: count }, (_, index) => at(index)), judging: [at(count)] };
}

/** Returns the index of the ratio that is nearest by factor. */
function nearest(ladder: readonly number[], ratio: number): number {
  const distance = (index: number): number => Math.abs(Math.log(ladder[index] / ratio));
  return ladder.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0);
}
