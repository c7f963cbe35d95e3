/** The rules of guarded rounds. Whoever runs them, one process or several workers, decides by these. Plain numbers, no tensors. */
import { publishedForwards } from '../costs.js';
import type { Pattern } from '../../parts/pattern.js';
import { needsGradients } from '../method.js';
import type { RebuildSettings } from '../sub-block.js';
import { guardDefaults, type GuardSettings } from './guard-defaults.js';
import { maxTrials, type RatioTrial } from './ratio-search.js';

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

/** Where the gradient of the output error is taken: at the dense weights, as published, or at the sparse weights of the current model. */
export type GradientAt = 'dense' | 'sparse';

/** The folds of all windows. */
export interface FoldSizes {
  readonly count: number;
  /** Returns the share of all windows that are in these folds. */
  share(folds: readonly number[]): number;
}

/** Each round takes gradients from two folds and judges on a third, so that no window does both. */
export const foldCount = 4;
/** The search for a ratio starts here. */
const firstRatio = 0.2;
/** The forwards of a guarded rebuild outside its rounds. */
const fixedForwards = 3;
/** A sparse forward, gradients at the outputs, and weight gradients. At the dense weights also a dense forward. */
const gradientForwards: Record<GradientAt, number> = { sparse: 2.33, dense: 3.33 };

/** What does not change from round to round. */
export interface RoundRules {
  /** Ratios that may be tried, descending. */
  ladder: readonly number[];
  at: GradientAt;
  gradientForwards: number;
  /** Forwards that everything together may take, without a refit. */
  limit: number;
  rounds: number;
  tolerance: number;
}

/** Gradients are taken at the sparse weights for unstructured masks and at the dense weights for N:M. */
export function gradientAt({ kind }: Pattern): GradientAt {
  return kind === 'N:M' ? 'dense' : 'sparse';
}

/** @param reserved forwards of the budget that rounds may not use */
export function rulesOf(guard: GuardSettings, { pattern, metric }: Pick<RebuildSettings, 'pattern' | 'metric'>, reserved: number): RoundRules {
  const at = gradientAt(pattern);
  return {
    ladder: [...new Set(guard.ratios ?? guardDefaults.ratios)].sort((a, b) => b - a),
    at,
    gradientForwards: needsGradients(metric) ? gradientForwards[at] : 0,
    limit: publishedForwards + guard.budget - reserved,
    rounds: guard.rounds,
    tolerance: guard.tolerance,
  };
}

/** What rounds have done so far. */
export interface Progress<R extends Pick<GuardRound, 'accepted'> = GuardRound> {
  rounds: readonly R[];
  /** Where on the ladder the next round begins. */
  rung: number;
  /** Forwards over all windows that the budget has paid for. */
  forwards: number;
}

export function beginning({ ladder }: RoundRules): Progress<never> {
  return { rounds: [], rung: nearest(ladder, firstRatio), forwards: fixedForwards };
}

/** A round that the budget allows. */
export interface Round {
  /** The folds that give its gradients, and the fold that judges its trials. They differ unless there is only one fold. */
  training: number[];
  judging: number;
  /** The search for its ratio: where it begins, and where the second trial goes if the first one helps (ratio-search.ts). */
  start: number;
  towards: -1 | 1;
  /** Forwards up to the first trial, with those of earlier rounds; and forwards of a trial. */
  forwards: number;
  trial: number;
}

/** Returns the next round; undefined if there is none, or the budget does not last for it. */
export function nextRound({ rounds, gradientForwards: ofGradients, limit }: RoundRules, progress: Progress<Pick<GuardRound, 'accepted'>>, folds: FoldSizes): Round | undefined {
  const round = progress.rounds.length;
  const { training, judging } = roles(round, folds.count);
  const trial = folds.share([judging]);
  // In the first round, the error before is known already.
  const before = round === 0 ? 0 : trial;
  const gradients = folds.share(training) * ofGradients;
  if (round >= rounds || progress.rounds.at(-1)?.accepted === false || progress.forwards + (gradients + before + trial) > limit) return undefined;
  return { training, judging, start: progress.rung, towards: round === 0 ? -1 : 1, forwards: progress.forwards + gradients + before, trial };
}

/** Returns the maximum number of rounds that the budget allows: with four equal folds, if each round needs one trial. */
export function maxRounds(rules: RoundRules): number {
  const folds = { count: foldCount, share: (some: readonly number[]) => some.length / foldCount };
  let progress: Progress<Pick<GuardRound, 'accepted'>> = beginning(rules);
  for (let round = nextRound(rules, progress, folds); round !== undefined; round = nextRound(rules, progress, folds)) {
    progress = { ...progress, rounds: [...progress.rounds, { accepted: true }], forwards: round.forwards + round.trial };
  }
  return progress.rounds.length;
}

/** Returns how many trials the budget allows in a round, up to the number that a search makes. */
export function trialsLeft({ limit }: RoundRules, { forwards, trial }: Round): number {
  let trials = 0;
  for (let spent = forwards; trials < maxTrials && spent + trial <= limit; spent += trial) trials++;
  return trials;
}

/** Returns the folds that give a round's gradients, and the fold that judges its trials. */
export function roles(round: number, folds: number): Pick<Round, 'training' | 'judging'> {
  const count = Math.max(1, Math.floor(folds / 2));
  const at = (offset: number): number => (round * count + offset) % folds;
  return { training: Array.from({ length: count }, (_, index) => at(index)), judging: at(count) };
}

/** Whether everything together has raised the error over all windows. Then the first masks and values are restored. */
export function isWorse(error: number, errorBefore: number): boolean {
  // Written so that NaN is worse, too.
  return !(error <= errorBefore);
}

/** Returns the index of the ratio that is nearest by factor. */
function nearest(ladder: readonly number[], ratio: number): number {
  const distance = (index: number): number => Math.abs(Math.log(ladder[index] / ratio));
  return ladder.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0);
}
