import { setImmediate as macrotask } from 'node:timers/promises';
import { tf } from '../engine/index.js';
import type { Tensor3D } from '../engine/index.js';
import { runSubBlock } from '../models/sub-block.js';
import type { LinearSpec, SubBlock, Weights } from '../models/types.js';
import { CalibrationFolds, mean } from './calibration-folds.js';
import type { GradientAt, Sparse } from './calibration-folds.js';
import { PruningInputError } from './errors.js';
import { importances, needsGradients } from './importance.js';
import { withMasked, withUpdates } from './masked-weights.js';
import type { Masks, Updates } from './masked-weights.js';
import { meanSquare } from './output-gradients.js';
import { selectPairs } from './pattern-pairs.js';
import { searchRatio } from './ratio-search.js';
import type { RatioTrial } from './ratio-search.js';
import { rebuildBase } from './rebuild-base.js';
import { selectSwaps } from './rebuild.js';
import { SquaredGradients } from './squared-gradients.js';
import type { SubBlockRebuild, SubBlockReport } from './sub-block-rebuild.js';

export interface GuardSettings {
  /** At most so many rounds a sub-block. */
  rounds: number;
  /** Ratios that may be tried, in (0, 1]. */
  ratios?: readonly number[];
  /** A round has to lower the error of its held-out windows by this share; else it is undone and the last. */
  tolerance: number;
  /** Forwards over all calibration windows, or their equal in matrix products, beyond the 4.33 of one published round. */
  budget: number;
}

/** Keeps a sub-block within three published rounds. Where its rounds are all undone in the end, that takes one forward more. */
export const guardDefaults: Readonly<Required<GuardSettings>> = {
  rounds: 8,
  ratios: [0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625],
  tolerance: 0.01,
  budget: 8,
};

export interface GuardRound {
  /** The best of the ratios tried. */
  ratio: number;
  /** Error of the held-out windows under that trial's mask. */
  error: number;
  /** Error of the same windows before the round. */
  errorBefore: number;
  trialErrors: RatioTrial[];
  accepted: boolean;
  /** Of the best trial, made or undone. */
  grown: number;
  pruned: number;
}

export interface GuardedRebuild extends SubBlockRebuild {
  guard: GuardSettings;
  /** Told after every round. */
  onRound?: (round: GuardRound) => void;
}

export interface GuardedResult {
  /** The residual stream after the sub-block under the new mask, in the same batches. */
  hidden: Tensor3D[];
  masks: Map<string, Uint8Array>;
  /** Values of the sub-block's linears, as far as they are not the dense ones; where no round stands, the request's own. */
  updates?: Map<string, Float32Array>;
  report: SubBlockReport & {
    rounds: GuardRound[];
    /** Whether the rounds together raised the error of all windows, so that the first masks were put back. */
    undone: boolean;
    /** What was spent, in forwards over all windows. */
    forwards: number;
  };
}

/** Each round takes gradients from two folds and judges on a third: no window does both. */
const foldCount = 4;
/** Where ratios are looked for first. */
const firstRatio = 0.2;
/** Forwards that one published round is worth (see `rebuildSubBlock`), and those of this one outside the rounds. */
const publishedForwards = 4.33;
const fixedForwards = 3;
/** Sparse forward, gradients at the outputs, weight gradients; at the dense weights also the dense forward. */
const gradientForwards: Record<GradientAt, number> = { sparse: 2.33, dense: 3.33 };

/**
 * Rounds of LLM-Barber on one sub-block, as long as they help. A round takes squared gradients from one half of the windows,
 * tries a few ratios on a quarter of the others and keeps the best mask if it lowers the error there; quarters go round.
 * With one window only, it both teaches and judges. In the end the errors over all windows are compared, and masks that raised
 * them are put back as they were. Gradients are taken at the sparse weights for unstructured masks and at the dense
 * ones for N:M, whatever closed more of the perplexity gap (bench/guarded.ts).
 *
 * @throws NonFiniteScoreError, PatternError, PruningInputError, and WeightError of models/
 */
export async function guardedRebuild(request: GuardedRebuild): Promise<GuardedResult> {
  const { subBlock, dense, hidden, guard, onProgress } = request;
  let folds: CalibrationFolds | undefined;
  try {
    checkGuard(guard);
    const linears = linearsOf(subBlock);
    const first: State = { masks: new Map(linears.map(({ name }) => [name, maskOf(request.masks, name)])), ...ownUpdates(linears, request.updates) };
    const onBatch = (batch: number): void => onProgress?.({ pass: 1, batch: batch + 1, batches: hidden.length });
    folds = await CalibrationFolds.open({ subBlock, dense, hidden, ...first, onBatch }, foldCount);
    const { state, rounds, forwards } = await runRounds(request, folds, first);
    folds.disposeInputs();

    const errorBefore = folds.firstError();
    let result = await finalPass(request, state, folds);
    const undone = !(result.error <= errorBefore);
    if (undone) {
      tf.dispose(result.after);
      result = await finalPass(request, first, folds);
    }
    tf.dispose([...hidden]);
    const { masks, updates } = undone ? first : state;
    const report = { errorBefore, errorAfter: result.error, ...changes(first.masks, masks), rounds, undone, forwards: forwards + Number(undone) };
    return { hidden: result.after, masks: copyOf(masks), ...(updates && { updates: copyOf(updates) }), report };
  } catch (fault) {
    tf.dispose([...hidden]);
    throw fault;
  } finally {
    folds?.dispose();
  }
}

type MaskMap = Map<string, Uint8Array>;

/** A sub-block's linears as they stand. */
interface State {
  masks: MaskMap;
  /** Where they are not the dense ones. */
  updates?: Updates;
}

function linearsOf({ inputs, output }: SubBlock): LinearSpec[] {
  return [...inputs, output];
}

function ownUpdates(linears: readonly LinearSpec[], updates: Updates = new Map()): { updates?: Updates } {
  const own = linears.flatMap(({ name }): [string, Float32Array][] => {
    const values = updates.get(name);
    return values === undefined ? [] : [[name, values]];
  });
  return own.length === 0 ? {} : { updates: new Map(own) };
}

async function runRounds(request: GuardedRebuild, folds: CalibrationFolds, first: State): Promise<Rounds> {
  const { subBlock, dense, settings } = request;
  // Fixed by the start: a weight that goes in one round and comes back in a later one has its value of the start.
  const updates = await rebuildBase(linearsOf(subBlock), { dense, ...first, ...settings });
  return withUpdates(dense, first.updates ?? new Map(), (start) =>
    withUpdates(dense, updates ?? new Map(), (base) => runRoundsFrom(request, folds, first, { start, base, updates })),
  );
}

interface Rounds {
  state: State;
  rounds: GuardRound[];
  forwards: number;
}

/** Weights under the first masks, and under all others. */
interface Values {
  start: Weights;
  base: Weights;
  updates: Updates | undefined;
}

async function runRoundsFrom(request: GuardedRebuild, folds: CalibrationFolds, first: State, values: Values): Promise<Rounds> {
  const { guard, settings, subBlock } = request;
  const ladder = [...new Set(guard.ratios ?? guardDefaults.ratios)].sort((a, b) => b - a);
  const limit = publishedForwards + guard.budget;
  const at: GradientAt = settings.pattern.kind === 'N:M' ? 'dense' : 'sparse';
  const gradientCost = needsGradients(settings.metric) ? gradientForwards[at] : 0;
  const rounds: GuardRound[] = [];
  let current: State = first;
  let forwards = fixedForwards;
  let rung = nearest(ladder, firstRatio);
  for (let round = 0; round < guard.rounds; round++) {
    const { teaching, judging } = roles(round, folds.count);
    const judge = async (sparse: Sparse): Promise<number> => {
      forwards += folds.share(judging);
      return folds.error(judging, sparse);
    };
    // Known before the first round.
    const beforeCost = round === 0 ? 0 : folds.share(judging);
    const mayTry = (): boolean => forwards + folds.share(judging) <= limit;
    const needed = folds.share(teaching) * gradientCost + beforeCost + folds.share(judging);
    if (forwards + needed > limit) break;

    forwards += folds.share(teaching) * gradientCost;
    const { masks } = current;
    const sparse = { weights: current === first ? values.start : values.base, masks };
    const gradients = needsGradients(settings.metric) ? await folds.gradients(teaching, sparse, at) : new SquaredGradients();
    const importance = await importances(linearsOf(subBlock), values.base, gradients, settings.metric).finally(() => gradients.dispose());
    const errorBefore = round === 0 ? folds.firstError(judging) : await judge(sparse);
    let best: { error: number; masks: MaskMap } | undefined;
    const trialErrors = await searchRatio({
      ladder, start: rung, error: errorBefore, towards: round === 0 ? -1 : 1, mayTry,
      attempt: async (ratio) => {
        const candidate = candidateMasks(request, importance, masks, ratio);
        const error = changes(masks, candidate).grown === 0 ? errorBefore : await judge({ weights: values.base, masks: candidate });
        if (best === undefined || error < best.error) best = { error, masks: candidate };
        return error;
      },
    });
    if (best === undefined) break;
    const { error, masks: candidate } = best;
    const { ratio } = trialErrors.find((trial) => trial.error === error) ?? trialErrors[0];
    const accepted = error < errorBefore * (1 - guard.tolerance);
    const report = { ratio, error, errorBefore, trialErrors, accepted, ...changes(masks, candidate) };
    rounds.push(report);
    request.onRound?.(report);
    if (!accepted) break;
    current = { masks: candidate, ...(values.updates && { updates: values.updates }) };
    rung = ladder.indexOf(ratio);
  }
  return { state: current, rounds, forwards };
}

/** Which folds give a round's gradients, and which judges its trials: not one of them unless there is only one. */
function roles(round: number, folds: number): { teaching: number[]; judging: number[] } {
  const count = Math.max(1, Math.floor(folds / 2));
  const at = (offset: number): number => (round * count + offset) % folds;
  return { teaching: Array.from({ length: count }, (_, index) => at(index)), judging: [at(count)] };
}

/** The masks after the swaps of one ratio: the published selection, and for N:M pairs that each pay for themselves. */
function candidateMasks({ subBlock, settings }: GuardedRebuild, importance: Float32Array[], masks: MaskMap, ratio: number): MaskMap {
  const linears = linearsOf(subBlock);
  const request = {
    importance,
    masks: linears.map(({ name }) => maskOf(masks, name)),
    shapes: linears.map(({ shape }) => shape),
    names: linears.map(({ name }) => name),
    ratio,
  };
  const { pattern, granularity } = settings;
  const selected = pattern.kind === 'N:M' ? selectPairs({ ...request, pattern }) : selectSwaps({ ...request, pattern, granularity }).masks;
  return new Map(linears.map(({ name }, index) => [name, selected[index]]));
}

/** The residual stream after the sub-block, with the bits of any other forward of these batches, and the error over all windows. */
async function finalPass(
  { subBlock, dense, hidden, onProgress }: GuardedRebuild,
  { masks, updates }: State,
  folds: CalibrationFolds,
): Promise<{ after: Tensor3D[]; error: number }> {
  const after: Tensor3D[] = [];
  const errors: number[] = [];
  try {
    await withMasked(dense, masks, async (sparse) => {
      for (const [index, h] of hidden.entries()) {
        tf.tidy(() => {
          const t = runSubBlock(subBlock, subBlock.enter(h, dense), sparse);
          after.push(tf.keep(subBlock.leave(h, t, dense)));
          errors.push(...meanSquare(t.sub<Tensor3D>(folds.denseOutput(index))).dataSync<'float32'>());
        });
        onProgress?.({ pass: 2, batch: index + 1, batches: hidden.length });
        await macrotask();
      }
    }, updates);
    return { after, error: mean(errors) };
  } catch (fault) {
    tf.dispose(after);
    throw fault;
  }
}

function changes(before: MaskMap, after: MaskMap): { grown: number; pruned: number } {
  let grown = 0;
  let pruned = 0;
  for (const [name, old] of before) {
    const now = maskOf(after, name);
    for (let i = 0; i < old.length; i++) {
      grown += now[i] & (1 - old[i]);
      pruned += old[i] & (1 - now[i]);
    }
  }
  return { grown, pruned };
}

/** Index of the ratio that is nearest by factor. */
function nearest(ladder: readonly number[], ratio: number): number {
  const distance = (index: number): number => Math.abs(Math.log(ladder[index] / ratio));
  return ladder.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0);
}

function copyOf<T extends Uint8Array | Float32Array>(arrays: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...arrays].map(([name, array]) => [name, array.slice() as T]));
}

function checkGuard({ rounds, ratios, tolerance, budget }: GuardSettings): void {
  const wrong = (what: string, expected: string): never => {
    throw new PruningInputError({ where: 'guard', what, expected });
  };
  if (!Number.isInteger(rounds) || rounds < 0) wrong(`rounds is ${rounds}`, 'a whole number >= 0');
  if (!(tolerance >= 0 && tolerance < 1)) wrong(`tolerance is ${tolerance}`, 'a share in [0, 1)');
  if (!(budget >= 0)) wrong(`budget is ${budget}`, 'a number of forwards >= 0');
  if (ratios !== undefined && (ratios.length === 0 || ratios.some((ratio) => !(ratio > 0 && ratio <= 1)))) {
    wrong(`ratios is [${ratios.join(', ')}]`, 'at least one number in (0, 1]');
  }
}

function maskOf(masks: Masks, name: string): Uint8Array {
  const mask = masks.get(name);
  if (mask === undefined) {
    throw new PruningInputError({ where: name, what: 'this linear has no mask', expected: 'a mask for every linear of the sub-block' });
  }
  return mask;
}
