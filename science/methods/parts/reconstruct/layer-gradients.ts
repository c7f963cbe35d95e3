import { tf } from '../../../engine/index.js';
import type { Tensor, Tensor1D, Tensor3D } from '../../../engine/index.js';
import { customVjp } from '../../../models/custom-vjp.js';
import { runDecoderLayer } from '../../../models/forward.js';
import { weightOf } from '../../../models/sub-block.js';
import type { DecoderLayer, Weights } from '../../../models/types.js';
import type { WindowBatch } from './window-batches.js';

export interface LayerGradients {
  /** Mean over all numbers of the squared difference between what the layer gives and the target; a scalar. */
  error: Tensor;
  /** Of that error, with respect to each trained tensor, in the order of their names. */
  gradients: Tensor[];
}

/**
 * The error of a layer on a few windows and its gradients, by one forward and one backward pass. No gradient goes back to the
 * layer's input, so both take three forwards at most.
 *
 * @param weights every tensor of the layer
 * @param trained names of those whose gradients are wanted; pruned weights have gradients, too
 * @returns new tensors, the caller's to dispose
 */
export function layerGradients(layer: DecoderLayer, weights: Weights, trained: readonly string[], { h, target }: WindowBatch): LayerGradients {
  const errorOf = (...values: Tensor[]): Tensor => {
    const used = new Map(weights);
    trained.forEach((name, index) => used.set(name, values[index]));
    return meanSquaredError(runDecoderLayer(layer, h, used), target);
  };
  const { value, grads } = tf.valueAndGrads(errorOf)(trained.map((name) => weightOf(weights, name)));
  return { error: value, gradients: grads };
}

/** Mean of `(y - target)^2`. The written gradient, `2 (y - target) / size`, is one pass where the recorded one makes five. */
function meanSquaredError(y: Tensor3D, target: Tensor3D): Tensor {
  return customVjp(
    [y],
    (result) => {
      const difference = result.sub<Tensor3D>(target);
      return { value: difference.square().mean(), saved: [difference] };
    },
    (dy, [difference]) => [difference.mul(dy.mul(2 / difference.size))],
  );
}

/** The error of each window, `[batch]`, without gradients. */
export function layerErrors(layer: DecoderLayer, weights: Weights, { h, target }: WindowBatch): Tensor1D {
  return tf.tidy(() => runDecoderLayer(layer, h, weights).sub<Tensor3D>(target).square().mean<Tensor1D>([1, 2]));
}
