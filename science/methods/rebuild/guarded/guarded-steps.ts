import { linearsOf } from '../../../models/linears.js';
import { fitInputs, fitOutput, valuesOf, type Fitted, type SubBlockFit } from '../../parts/fit-sub-block.js';
import { withUpdates, type Masks, type Updates } from '../../parts/masked-weights.js';
import { refitLinears } from '../../parts/refit.js';
import { changes, disposeMasks, finishedMasks, workingMasks } from '../../parts/working-masks.js';
import type { ChosenPart, PartRequest } from '../method.js';
import { rebuildBase } from '../rebuild-base.js';
import { meanError, type ErrorSum } from '../../parts/sequence-errors.js';
import { decisionsOf } from './guard-entry.js';
import type { GuardSums } from './guard-sums.js';
import { checkGuard } from './check-guard.js';
import { firstState, type State } from '../../parts/sub-block-state.js';
import { judgeRefit, refitCost, refitRoles, type GuardRefit } from './guarded-refit.js';
import { guardOf, type settings } from './method.js';
import { ratiosWithin } from './ratio-search.js';
import { beginning, isWorse, nextRound, rulesOf, trialsLeft, type FoldSizes, type Progress, type Round, type RoundRules } from './round-rules.js';
import { rankSwaps, tryRatios } from './round-trials.js';
import type { Candidates, GuardState, Known, Question } from './step-state.js';

type Request = PartRequest<typeof settings>;
type Chosen = ChosenPart | { next: GuardState };

/** The end of one step: what its sums are for, and what is known. */
interface Step {
  request: Request;
  sums: GuardSums;
  state: GuardState | undefined;
  /** Masks and values before the rebuild. */
  first: State;
  /** Values under all later masks. */
  base: Updates | undefined;
  /** The current masks. */
  masks: Masks;
  known: Known;
  folds: FoldSizes;
  rules: RoundRules;
  /** Forwards of the budget for a refit. */
  reserved: number;
}

/** Chooses what follows from the sums of a step over all shards. @param state from which the step began; absent for the first one */
export async function chooseNext(request: Request, sums: GuardSums, state: GuardState | undefined): Promise<Chosen> {
  const step = await stepOf(request, sums, state);
  switch (state?.notes.question.for ?? 'swaps') {
    case 'swaps':
      return chooseCandidates(step);
    case 'ratio':
      return chooseRatio(step, state?.notes.candidates as Candidates);
    case 'inputs':
      return chooseInputs(step);
    case 'output':
      return chooseOutput(step);
    case 'end':
      return chooseEnd(step);
  }
}

async function stepOf(request: Request, sums: GuardSums, state: GuardState | undefined): Promise<Step> {
  const { subBlock, dense, common, pattern, settings } = request;
  const guard = guardOf(settings);
  checkGuard(guard);
  const first = firstState(linearsOf(subBlock), request);
  const windows = state?.notes.known.windows ?? sums.errors[0].map(([, count]) => count);
  const folds = foldsOf(windows);
  const reserved = common.weights === 'refit' ? refitCost(request, folds) : 0;
  const rules = rulesOf(guard, { pattern, ...common }, reserved);
  return {
    request, sums, state, first, folds, rules, reserved,
    base: await rebuildBase(linearsOf(subBlock), { dense, ...first, ...common }),
    masks: state?.masks[0] ?? first.masks,
    known: state?.notes.known ?? { windows, errorBefore: meanOf(sums.errors[0]), progress: beginning(rules) },
  };
}

/** After the gradients of a round: makes the masks for all ratios that its search may try. */
async function chooseCandidates(step: Step): Promise<Chosen> {
  const { request: { subBlock, dense, common, pattern }, sums, base, known, rules } = step;
  const round = nextRound(rules, known.progress, step.folds);
  // The activity refuses a report whose error is not finite (activities/shards/rebuild.ts).
  if (!Number.isFinite(known.errorBefore)) return finish(step, step.first, { undone: false });
  // Before the first step, nobody knew whether the budget allows a round.
  if (round === undefined) return afterRounds(step);
  const masks = workingMasks(linearsOf(subBlock), step.masks);
  const search = await withUpdates(dense, base ?? new Map(), (weights) => rankSwaps({ subBlock, settings: { ...common, pattern } }, weights, masks, sums.gradients));
  const made = new Map<number, Masks | null>();
  /** Null if the ratio changes no weight. */
  const masksAt = (ratio: number): Masks | null => {
    const before = made.get(ratio);
    if (before !== undefined) return before;
    const candidate = search.at(ratio);
    const own = changes(masks, candidate).grown === 0 ? null : finishedMasks(candidate);
    disposeMasks(candidate);
    made.set(ratio, own);
    return own;
  };
  const all: Masks[] = [];
  const ratios = ratiosWithin({ ...rules, ...round }, trialsLeft(rules, round), (ratio) => masksAt(ratio) !== null).map((ratio): Candidates['ratios'][number] => {
    const candidate = masksAt(ratio);
    return [ratio, candidate === null ? null : all.push(candidate) - 1];
  });
  search.dispose();
  disposeMasks(masks);
  const candidates = { errorBefore: errorOf(step, 0, round.judging), ratios };
  // No ratio changes a weight, so there is nothing to measure.
  if (all.length === 0) return chooseRatio(step, candidates);
  const question: Question = { for: 'ratio', training: [], judging: [round.judging], tries: all.map((_, index) => ({ mask: index + 1, values: 'base' })) };
  return nextStep(step, question, { candidates, more: all });
}

/** After the errors of the candidates: accepts one, or ends the rounds. */
async function chooseRatio(step: Step, { errorBefore, ratios }: Candidates): Promise<Chosen> {
  const { state, masks, known, rules, folds } = step;
  const tries = new Map(ratios);
  const round = nextRound(rules, known.progress, folds) as Round;
  const tried = await tryRatios({
    rules, progress: known.progress, round, masks, errorBefore,
    candidateAt: (ratio) => state?.masks[(tries.get(ratio) ?? -1) + 1] ?? masks,
    errorOf: (_, ratio) => errorOf(step, tries.get(ratio) ?? 0, round.judging),
    isKnown: (ratio) => tries.has(ratio),
  });
  if (tried === undefined) return afterRounds(step);
  const after: Step = { ...step, masks: tried.accepted ?? masks, known: { ...known, progress: tried.progress } };
  const next = nextRound(rules, tried.progress, folds);
  if (next === undefined) return afterRounds(after);
  return nextStep(after, { for: 'swaps', training: next.training, judging: [next.judging], tries: [{ mask: 0, values: 'base' }] });
}

function afterRounds(step: Step): Chosen {
  const { request, folds } = step;
  if (request.common.weights === 'refit') return nextStep(step, { for: 'inputs', training: refitRoles(folds.count).training, judging: [], tries: [] });
  const values = currentValues(step);
  return values === 'first' ? finish(step, step.first, { undone: false }) : nextStep(step, { for: 'end', training: [], judging: allOf(folds), tries: [{ mask: 0, values }] });
}

async function chooseInputs(step: Step): Promise<Chosen> {
  const fitted = await refitted(step, (fit) => fitInputs({ ...step.request, fit }, step.sums.fit.sums));
  return nextStep(step, { for: 'output', training: refitRoles(step.folds.count).training, judging: [], tries: [] }, { values: valuesOf(fitted).values });
}

async function chooseOutput(step: Step): Promise<Chosen> {
  const fitted = await refitted(step, (fit) => fitOutput({ ...step.request, fit }, step.sums.fit.sums));
  const values = new Map([...step.state?.values ?? [], ...valuesOf(fitted).values]);
  const tries: Question['tries'] = [{ mask: 0, values: currentValues(step) }, { mask: 0, values: 'fitted' }];
  return nextStep(step, { for: 'end', training: [], judging: allOf(step.folds), tries }, { values });
}

/** Fits linears on the current masks. */
async function refitted({ request, first, base, masks, known, sums }: Step, work: (fit: SubBlockFit['fit']) => Promise<Fitted>): Promise<Fitted> {
  const { dense, round } = request;
  const values = hasChanged(known.progress) ? base : first.updates;
  return withUpdates(dense, values ?? new Map(), (start) => work(refitLinears({ masks, start, tokens: sums.fit.tokens, round })));
}

/** After the errors of all windows: decides about the refit, and then about everything together. */
function chooseEnd(step: Step): Chosen {
  const { state, sums, first, base, masks, known, folds } = step;
  const tries = state?.notes.question.tries ?? [];
  const { judging } = refitRoles(folds.count);
  const refit = tries.length > 1 ? judgeRefit(errorOf(step, 0, judging), errorOf(step, 1, judging)) : undefined;
  const kept = refit?.accepted === true ? 1 : 0;
  const { values } = tries[kept];
  const updates = { first: first.updates, base, fitted: state?.values }[values];
  // The error of the first masks is known already.
  const undone = values !== 'first' && isWorse(meanOf(sums.errors[kept]), known.errorBefore);
  return finish(step, undone ? first : { masks, ...(updates && { updates }) }, { undone, ...(refit && { refit }) });
}

function finish({ first, known: { errorBefore, progress }, reserved }: Step, { masks, updates }: State, decided: { undone: boolean; refit?: GuardRefit }): ChosenPart {
  const forwards = progress.forwards + reserved + Number(decided.undone);
  return {
    masks: finishedMasks(masks),
    ...(updates && { updates }),
    report: { errorBefore, ...changes(first.masks, masks), ...decisionsOf({ rounds: progress.rounds, ...decided }), forwards },
  };
}

/** @param more masks beside the current ones */
function nextStep({ known, masks, state }: Step, question: Question, { candidates, more = [], values = state?.values ?? new Map() }: { candidates?: Candidates; more?: Masks[]; values?: Updates } = {}): { next: GuardState } {
  return { next: { notes: { question, known, ...(candidates && { candidates }) }, masks: [masks, ...more], values } };
}

const hasChanged = ({ rounds }: Progress): boolean => rounds.some(({ accepted }) => accepted);
const currentValues = ({ known }: Step): 'first' | 'base' => (hasChanged(known.progress) ? 'base' : 'first');
const allOf = ({ count }: FoldSizes): number[] => Array.from({ length: count }, (_, fold) => fold);

/** The error of one fold under one of the tries. The first step asks for all folds, in their order. */
function errorOf({ sums, state }: Step, index: number, fold: number): number {
  const { judging } = state?.notes.question ?? {};
  return meanError(sums.errors[index][judging?.indexOf(fold) ?? fold]);
}

/** The mean over the windows of all folds. */
function meanOf(errors: readonly ErrorSum[]): number {
  return meanError(errors.reduce(([sum, count], [ofFold, windows]) => [sum + ofFold, count + windows], [0, 0]));
}

function foldsOf(windows: readonly number[]): FoldSizes {
  const sum = (some: readonly number[]): number => some.reduce((total, one) => total + one, 0);
  return { count: windows.length, share: (folds) => sum(folds.map((fold) => windows[fold])) / sum(windows) };
}
