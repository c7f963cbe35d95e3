import { tf } from '../../../engine/index.js';
import type { Tensor } from '../../../engine/index.js';
import { linearsOf } from '../../../models/linears.js';
import { weightOf } from '../../../models/sub-block.js';
import type { DecoderLayer, Weights } from '../../../models/types.js';
import { PruningInputError } from '../errors.js';
import { maskedWeights, maskOf } from '../masked-weights.js';
import type { Masks, Updates } from '../masked-weights.js';
import { Adam } from './adam.js';
import type { Trainable } from './adam.js';
import { errorOf, train } from './training.js';
import type { ReconstructionEpoch } from './training.js';
import { splitWindows } from './window-batches.js';
import type { WindowBatch } from './window-batches.js';

export interface LayerReconstruction {
  layer: DecoderLayer;
  /** Every tensor of the layer, dense. May contain tensors of other layers. */
  dense: Weights;
  /** The masks of all linears of the layer. */
  masks: Masks;
  /** Values at the start; dense values if absent. Values of pruned weights are ignored. */
  start?: Updates;
  /** Inputs and targets ({@link reconstructionTargets}). Not disposed. */
  windows: readonly WindowBatch[];
  /** The number of windows at the end that judge instead of train; none if absent. */
  heldOut?: number;
  /** Passes over the training windows, one window per step; 1 or more. */
  epochs: number;
  /** The largest step of a weight, as a share of the root mean square of its dense matrix; above 0. */
  rate: number;
  /** Names of linears that are not trained; none if absent. */
  fixed?: ReadonlySet<string>;
  /** Rounds new values to what the checkpoint will hold. */
  round?: (name: string, values: Float32Array) => Float32Array;
}

export interface ReconstructedLayer {
  /**
   * Values `[out, in]` of the layer's linears: trained values, +0 where pruned, and a copy of `start` for all others. A copy of `start` if
   * nothing was accepted.
   */
  updates: Map<string, Float32Array>;
  /** The epochs that were run. Fewer than requested if the held-out windows stopped them. */
  epochs: ReconstructionEpoch[];
  /** Errors of the windows that judge: with the values at the start, and with the new values, rounded. Both are equal if no epoch is better. */
  errorBefore: number;
  error: number;
  accepted: boolean;
}

/**
 * Trains all kept weights of a decoder layer together, so that the output of the layer approaches its target. It runs Adam on the mean
 * squared error of the residual stream after the layer, one window per step (EBFT, Guo et al. 2024; Wagner et al. 2025). The rate of
 * a matrix is relative to its own root mean square, with a linear warm-up over 5 % of the steps and a cosine decay to 0.
 *
 * With held-out windows, it takes the values after the epoch with the lowest held-out error, and stops once that error has risen twice
 * in a row. Without them, it takes the values after the last epoch. The new values are accepted if, after rounding, they lower the
 * error of the windows that judge: the held-out windows, or all windows if none are held out.
 *
 * Memory, in addition to windows, targets and dense weights: 16 bytes per weight for value, mean, mean square and mask, 4 for the
 * gradient and 4 for the best values. It does not grow with the number of windows. Time: {@link reconstructionForwards}.
 *
 * @throws PruningInputError if a mask is missing or a setting is out of range, and WeightError of models/
 */
export async function reconstructLayer(request: LayerReconstruction): Promise<ReconstructedLayer> {
  const { layer, masks, start = new Map<string, Float32Array>(), windows, heldOut = 0, round = (_, values) => values } = request;
  const course = { guarded: heldOut > 0, count: request.epochs };
  check(request);
  const { training, judging } = splitWindows(windows, heldOut);
  const names = linearsOf(layer).map(({ name }) => name);
  const own = new Map(layer.tensors.map(({ name }): [string, Tensor] => [name, weightOf(request.dense, name)]));
  const ownMasks = new Map(names.map((name) => [name, maskOf(masks, name)]));
  const first = maskedWeights(own, ownMasks, start);
  const adam = new Adam(trainables(request, own, ownMasks, first));
  const disposeNew = (weights: Weights): void => { for (const [name, tensor] of weights) if (tensor !== own.get(name)) tensor.dispose(); };
  const others = new Map([...first].filter(([name]) => !adam.values.has(name)));
  // Adam now holds the data of the trained tensors.
  disposeNew(new Map([...first].filter(([name]) => !others.has(name))));
  let best: Weights | undefined;
  let rounded: Weights | undefined;
  try {
    const errorBefore = await errorOf(layer, new Map([...others, ...adam.values]), judging);
    const { epochs, ...trained } = await train({ layer, others, adam, training, judging, errorBefore, ...course });
    ({ best } = trained);
    if (best === undefined) return { updates: ownCopies(own, start), epochs, errorBefore, error: errorBefore, accepted: false };
    const updates = ownCopies(own, start);
    for (const [name, tensor] of best) updates.set(name, round(name, withoutPruned(await tensor.data<'float32'>(), maskOf(ownMasks, name))));
    rounded = maskedWeights(own, ownMasks, updates);
    const error = await errorOf(layer, rounded, judging);
    const accepted = error < errorBefore;
    return { updates: accepted ? updates : ownCopies(own, start), epochs, errorBefore, error, accepted };
  } finally {
    adam.dispose();
    tf.dispose([...(best?.values() ?? [])]);
    disposeNew(others);
    if (rounded !== undefined) disposeNew(rounded);
  }
}

/**
 * Returns the cost of a reconstruction in forwards of the layer over all windows, without its targets and Adam's steps. An epoch costs
 * three forwards of the training windows. Judging before, between and after the epochs is added.
 *
 * @param heldOut share of all windows that is held out
 */
export function reconstructionForwards(epochs: number, heldOut = 0): number {
  return 3 * epochs * (1 - heldOut) + (heldOut === 0 ? 3 : (epochs + 2) * heldOut);
}

function check({ epochs, rate }: LayerReconstruction): void {
  if (!Number.isInteger(epochs) || epochs < 1) throw new PruningInputError({ where: 'reconstruction', what: `${epochs} epochs`, expected: 'a whole number of 1 or more' });
  if (!(rate > 0 && rate < Infinity)) throw new PruningInputError({ where: 'reconstruction', what: `a rate of ${rate}`, expected: 'a number above 0' });
}

/** Returns the linears to train, with their rates. */
function trainables({ rate, fixed = new Set() }: LayerReconstruction, dense: Weights, masks: Masks, first: Weights): Map<string, Trainable> {
  return new Map([...masks].filter(([name]) => !fixed.has(name)).map(([name, mask]): [string, Trainable] => {
    const weight = weightOf(dense, name);
    const relative = tf.tidy(() => weight.square().mean().sqrt().dataSync()[0]);
    const kept = tf.tidy(() => tf.tensor(mask, weight.shape, 'bool').cast<Tensor>('float32'));
    return [name, { start: weightOf(first, name), rate: rate * relative, kept }];
  }));
}

const withoutPruned = (values: Float32Array, mask: Uint8Array): Float32Array => values.map((value, index) => (mask[index] === 1 ? value : 0));

function ownCopies(own: Weights, start: Updates): Map<string, Float32Array> {
  return new Map([...start].filter(([name]) => own.has(name)).map(([name, values]) => [name, values.slice()]));
}
