import { linearsOf } from '../../../models/linears.js';
import type { Weights } from '../../../models/types.js';
import type { CalibrationFolds } from './calibration-folds.js';
import type { State } from '../../parts/sub-block-state.js';
import type { GuardedRebuild } from './guarded-rebuild.js';
import { needsGradients } from '../method.js';
import { withUpdates } from '../../parts/masked-weights.js';
import type { Updates } from '../../parts/masked-weights.js';
import { rebuildBase } from '../rebuild-base.js';
import { disposeMasks } from '../../parts/working-masks.js';
import { SquaredGradients } from '../../parts/squared-gradients.js';
import { beginning, nextRound, rulesOf, type Progress } from './round-rules.js';
import { rankSwaps, tryRatios } from './round-trials.js';

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

interface Rounds extends Progress {
  state: State;
}

/** Weights for the first masks, and for all later masks. */
interface Values {
  start: Weights;
  base: Weights;
  updates: Updates | undefined;
}

async function runRoundsFrom(request: GuardedRebuild, folds: CalibrationFolds, first: State, values: Values, reserved: number): Promise<Rounds> {
  const { dense, guard, settings } = request;
  const rules = rulesOf(guard, settings, reserved);
  let progress: Progress = beginning(rules);
  let current: State = first;
  for (let round = nextRound(rules, progress, folds); round !== undefined; round = nextRound(rules, progress, folds)) {
    const { training, judging } = round;
    const { masks } = current;
    const sparse = { weights: current === first ? values.start : values.base, masks };
    const gradients = needsGradients(settings.metric) ? await folds.gradients(training, sparse, rules.at === 'dense' ? dense : undefined) : new SquaredGradients();
    const search = await rankSwaps(request, values.base, masks, gradients);
    const errorBefore = progress.rounds.length === 0 ? folds.firstError([judging]) : await folds.error(judging, sparse);
    const tried = await tryRatios({
      rules, progress, round, masks, errorBefore, candidateAt: search.at,
      errorOf: (candidate) => folds.error(judging, { weights: values.base, masks: candidate }),
    }).finally(search.dispose);
    if (tried === undefined) break;
    ({ progress } = tried);
    request.onRound?.(tried.report);
    if (tried.accepted === undefined) break;
    if (current !== first) disposeMasks(masks);
    current = { masks: tried.accepted, ...(values.updates && { updates: values.updates }) };
  }
  return { ...progress, state: current };
}
