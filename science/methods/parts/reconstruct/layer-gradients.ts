import { tf } from '../../../engine/index.js';
import type { Tensor, Tensor1D, Tensor3D } from '../../../engine/index.js';
import { customVjp } from '../../../models/custom-vjp.js';
import { runDecoderLayer } from '../../../models/forward.js';
import { weightOf } from '../../../models/sub-block.js';
import type { DecoderLayer, Weights } from '../../../models/types.js';
import type { WindowBatch } from './window-batches.js';

export interface LayerGradients {
  /** Mean squared difference between the layer's output and the target, over all numbers; a scalar. */
  error: Tensor;
  /** The gradients of the error with respect to each trained tensor, in the order of `trained`. */
  gradients: Tensor[];
}

/**
 * Computes the error of a layer on a few windows, and its gradients, by one forward and one backward pass. The gradient of the layer's
 * input is not computed, so both passes together cost at most three forwards.
 *
 * @param weights every tensor of the layer
 * @param trained names of the tensors whose gradients are wanted; pruned weights have gradients, too
 * @returns new tensors, which the caller disposes
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

/** Returns the mean of `(y - target)^2`. The explicit gradient, `2 (y - target) / size`, takes one pass; a recorded one would take five. */
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

/** Returns the error of each window, `[batch]`, without gradients. */
export function layerErrors(layer: DecoderLayer, weights: Weights, { h, target }: WindowBatch): Tensor1D {
  return tf.tidy(() => runDecoderLayer(layer, h, weights).sub<Tensor3D>(target).square().mean<Tensor1D>([1, 2]));
}
