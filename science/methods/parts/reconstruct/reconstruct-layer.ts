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
import { partWindows } from './window-batches.js';
import type { WindowBatch } from './window-batches.js';

export interface LayerReconstruction {
  layer: DecoderLayer;
  /** Every tensor of the layer, dense. Tensors of other layers may be there, too. */
  dense: Weights;
  /** Of every linear of the layer. */
  masks: Masks;
  /** Values to begin with; the dense ones where absent. Not read where pruned. */
  start?: Updates;
  /** Inputs and targets ({@link reconstructionTargets}); they stay the caller's. */
  windows: readonly WindowBatch[];
  /** So many of the last windows judge and do not teach; none if absent. */
  heldOut?: number;
  /** Passes over the windows that teach, one window a step; 1 or more. */
  epochs: number;
  /** The largest step of a weight, as a share of the root mean square of its dense matrix; above 0. */
  rate: number;
  /** Names of linears that are not trained; none if absent. */
  fixed?: ReadonlySet<string>;
  /** Whether the weights of the layer's norms are trained, too. */
  norms?: boolean;
  /** Of the order of windows; 0 if absent. */
  seed?: number;
  /** Rounds new values to what the checkpoint will hold. */
  round?: (name: string, values: Float32Array) => Float32Array;
  /** Told after every epoch. */
  onEpoch?: (epoch: ReconstructionEpoch) => void;
}

export interface ReconstructedLayer {
  /** Values `[out, in]` of every linear that was trained, +0 where pruned; and of norms that were trained. Where nothing is accepted, a copy of `start`. */
  updates: Map<string, Float32Array>;
  /** Those that were run; fewer than asked for where held-out windows stopped them. */
  epochs: ReconstructionEpoch[];
  /** Of the windows that judge, with the values at the start, and with the new ones, rounded; the former again where no epoch is below it. */
  errorBefore: number;
  error: number;
  accepted: boolean;
}

/**
 * Trains all weights that a decoder layer has kept, together, so that the layer gives its target: Adam on the mean squared error
 * of the residual stream after the layer, one window a step (EBFT, Guo et al. 2024; Wagner et al. 2025).
 * Each matrix has a rate relative to its own root mean square, with a linear warm-up over 5 % of the steps and a cosine to 0.
 *
 * With held-out windows the values after the best epoch by their error are taken, and training stops once that error has risen twice
 * in a row; without, the values after the last epoch. The new values are accepted if, rounded, they lower the error of the
 * windows that judge: those held out, or all where none are.
 *
 * Memory: beside windows, targets and dense weights 16 bytes a weight for value, mean, mean square and mask, 4 for the gradient and
 * 4 for the best values; it does not grow with windows. Time: {@link reconstructionForwards}.
 *
 * @throws PruningInputError if a mask is missing or a setting is out of range, and WeightError of models/
 */
export async function reconstructLayer(request: LayerReconstruction): Promise<ReconstructedLayer> {
  const { layer, masks, start = new Map<string, Float32Array>(), windows, heldOut = 0, round = (_, values) => values } = request;
  const course = { guarded: heldOut > 0, count: request.epochs, seed: request.seed ?? 0, onEpoch: request.onEpoch };
  check(request);
  const { training, judging } = partWindows(windows, heldOut);
  const names = linearsOf(layer).map(({ name }) => name);
  const own = new Map(layer.tensors.map(({ name }): [string, Tensor] => [name, weightOf(request.dense, name)]));
  const ownMasks = new Map(names.map((name) => [name, maskOf(masks, name)]));
  const first = maskedWeights(own, ownMasks, start);
  const adam = new Adam(trainables(request, own, ownMasks, first));
  const disposeNew = (weights: Weights): void => { for (const [name, tensor] of weights) if (tensor !== own.get(name)) tensor.dispose(); };
  const others = new Map([...first].filter(([name]) => !adam.values.has(name)));
  // Adam has the data of the trained ones now.
  disposeNew(new Map([...first].filter(([name]) => !others.has(name))));
  let best: Weights | undefined;
  let rounded: Weights | undefined;
  try {
    const errorBefore = await errorOf(layer, new Map([...others, ...adam.values]), judging);
    const { epochs, ...trained } = await train({ layer, others, adam, training, judging, errorBefore, ...course });
    ({ best } = trained);
    if (best === undefined) return { updates: ownCopies(own, start), epochs, errorBefore, error: errorBefore, accepted: false };
    const updates = new Map<string, Float32Array>();
    for (const [name, tensor] of best) updates.set(name, round(name, withoutPruned(await tensor.data<'float32'>(), ownMasks.get(name))));
    rounded = maskedWeights(own, ownMasks, new Map([...start, ...updates]));
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
 * What a reconstruction takes, in forwards of the layer over all windows, without its targets and its steps of Adam: three an epoch
 * for the windows that teach; and judgements before, between and after.
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

/** Linears, and the weights of norms where those are trained, with their rates. */
function trainables({ layer, rate, norms, fixed = new Set() }: LayerReconstruction, dense: Weights, masks: Masks, first: Weights): Map<string, Trainable> {
  const ofNorms = layer.tensors.map(({ name }) => name).filter((name) => norms === true && name.endsWith('.weight') && !masks.has(name));
  const ofLinears = [...masks.keys()].filter((name) => !fixed.has(name));
  return new Map([...ofLinears, ...ofNorms].map((name): [string, Trainable] => {
    const weight = weightOf(dense, name);
    const mask = masks.get(name);
    const relative = tf.tidy(() => weight.square().mean().sqrt().dataSync()[0]);
    const kept = mask && tf.tidy(() => tf.tensor(mask, weight.shape, 'bool').cast<Tensor>('float32'));
    return [name, { start: weightOf(first, name), rate: rate * relative, ...(kept && { kept }) }];
  }));
}

function withoutPruned(values: Float32Array, mask?: Uint8Array): Float32Array {
  return mask === undefined ? values : values.map((value, index) => (mask[index] === 1 ? value : 0));
}

function ownCopies(own: Weights, start: Updates): Map<string, Float32Array> {
  return new Map([...start].filter(([name]) => own.has(name)).map(([name, values]) => [name, values.slice()]));
}
