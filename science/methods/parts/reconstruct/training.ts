import { setImmediate as macrotask } from 'node:timers/promises';
import { tf } from '../../../engine/index.js';
import type { Tensor } from '../../../engine/index.js';
import type { DecoderLayer, Weights } from '../../../models/types.js';
import { rateFactor } from './adam.js';
import type { Adam } from './adam.js';
import { layerErrors, layerGradients } from './layer-gradients.js';
import { windowsOf } from './window-batches.js';
import type { WindowRange } from './window-batches.js';
import { windowOrder } from './window-order.js';

/** Errors are mean squared differences between the residual stream after the layer and its target. */
export interface ReconstructionEpoch {
  /** Mean error over the steps of the epoch, each measured before the step changes the weights. */
  trainError: number;
  /** Error of the held-out windows after the epoch. Absent if there are none. */
  heldOutError?: number;
}

/** Training stops when the held-out error has risen in this many epochs in a row. */
const patience = 2;

export interface Training {
  layer: DecoderLayer;
  /** The tensors of the layer that are not trained. */
  others: Weights;
  adam: Adam;
  /** One window each. */
  training: readonly WindowRange[];
  judging: readonly WindowRange[];
  /** Error of the windows that judge, with the values at the start. */
  errorBefore: number;
  /** Whether the windows that judge are held out. If so, they judge every epoch, otherwise only the last. */
  guarded: boolean;
  /** Maximum number of epochs. */
  count: number;
}

/**
 * Runs the epochs.
 *
 * @returns the values of the best epoch that was judged, which the caller disposes; absent if none was better than the start
 */
export async function train({ layer, others, adam, training, judging, errorBefore, guarded, count }: Training): Promise<{ best?: Weights; epochs: ReconstructionEpoch[] }> {
  const steps = count * training.length;
  const epochs: ReconstructionEpoch[] = [];
  let best: Map<string, Tensor> | undefined;
  let lowest = errorBefore;
  let last = errorBefore;
  let risen = 0;
  try {
    for (let epoch = 0; epoch < count && risen < patience; epoch++) {
      const errors: Tensor[] = [];
      for (const [index, window] of windowOrder(training.length, epoch).entries()) {
        errors.push(makeStep(layer, others, adam, training[window], rateFactor(epoch * training.length + index, steps)));
        // Lets a cancellation take effect between two steps.
        await macrotask();
      }
      const trainError = mean(tf.tidy(() => tf.stack(errors).dataSync<'float32'>()));
      tf.dispose(errors);
      const error = guarded || epoch === count - 1 ? await errorOf(layer, new Map([...others, ...adam.values]), judging) : undefined;
      epochs.push({ trainError, ...(guarded && { heldOutError: error }) });
      if (error !== undefined && error < lowest) {
        if (best !== undefined) tf.dispose([...best.values()]);
        best = new Map([...adam.values].map(([name, value]) => [name, value.clone()]));
        lowest = error;
      }
      // The weights cannot recover from NaN or infinity.
      if (!Number.isFinite(trainError)) break;
      risen = error !== undefined && error > last ? risen + 1 : 0;
      last = error ?? last;
    }
    return { epochs, ...(best && { best }) };
  } catch (fault) {
    if (best !== undefined) tf.dispose([...best.values()]);
    throw fault;
  }
}

/** @returns the error before the step, a scalar */
function makeStep(layer: DecoderLayer, others: Weights, adam: Adam, window: WindowRange, factor: number): Tensor {
  const { names } = adam;
  const [error, ...gradients] = tf.tidy(() => {
    const made = layerGradients(layer, new Map([...others, ...adam.values]), names, windowsOf(window));
    return [made.error, ...made.gradients];
  });
  adam.step(new Map(names.map((name, index) => [name, gradients[index]])), factor);
  return error;
}

/** Returns the mean squared error over windows with these weights. */
export async function errorOf(layer: DecoderLayer, weights: Weights, ranges: readonly WindowRange[]): Promise<number> {
  const errors: number[] = [];
  for (const range of ranges) {
    errors.push(...tf.tidy(() => layerErrors(layer, weights, windowsOf(range)).dataSync<'float32'>()));
    await macrotask();
  }
  return mean(errors);
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
