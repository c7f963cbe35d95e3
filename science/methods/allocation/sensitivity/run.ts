/**
 * How much the model's loss bends under a change of each linear: Shao et al. 2024, equation 6, the mean diagonal element of
 * the Hessian of the cross-entropy. The paper estimates it by Hutchinson's method, which differentiates twice through the
 * whole model at once. Here the Hessian is replaced by the Fisher information, the mean over sequences of the squared
 * gradient: the two agree in expectation where the model predicts its texts' distribution, and it can be had by one
 * backward pass, layer by layer, from the last to the first.
 */
import { setImmediate as macrotask } from 'node:timers/promises';
import { tf } from '../../../engine/index.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '../../../engine/index.js';
import { customVjp } from '../../../models/custom-vjp.js';
import { linearsOf } from '../../../models/linears.js';
import { applyLinear } from '../../../models/sub-block.js';
import type { DecoderLayer, DecoderModel, LinearSpec, SubBlock, Weights } from '../../../models/types.js';
import { acrossLinear } from '../../rebuild/published/output-gradients.js';
import { SquaredGradients } from '../../rebuild/published/squared-gradients.js';

/** Logits held at once, in numbers: 256 MB in float32. Their probabilities and gradients take as much again, each. */
const maxLogits = 64 * 2 ** 20;

/**
 * Gradient of the negative log-likelihood, summed over the tokens of each window, with respect to the hidden states after the
 * last layer: where the backward pass begins.
 *
 * @param weights the tensors of `model.headTensors`
 * @param h `[batch, time, hidden]`; stays the caller's
 * @param ids the windows' tokens, int32 `[batch, time]`
 * @returns `[batch, time, hidden]`, in nats per unit of h; zero at the last token, which predicts none
 */
export function lossGradient(model: DecoderModel, weights: Weights, h: Tensor3D, ids: Tensor2D, logitsLimit = maxLogits): Tensor3D {
  const [batch, time, hidden] = h.shape;
  const count = batch * (time - 1);
  const chunk = Math.max(1, Math.floor(logitsLimit / model.vocabularySize));
  return tf.tidy(() => {
    const predicting = h.slice([0, 0, 0], [batch, time - 1, hidden]).reshape<Tensor3D>([1, count, hidden]);
    const targets = ids.slice([0, 1], [batch, time - 1]).reshape<Tensor1D>([count]);
    const parts: Tensor3D[] = [];
    for (let start = 0; start < count; start += chunk) {
      const rows = Math.min(chunk, count - start);
      const next = tf.oneHot(targets.slice(start, rows), model.vocabularySize);
      const loss = (part: Tensor): Tensor => {
        const logits = model.head(part as Tensor3D, weights).reshape<Tensor2D>([rows, -1]);
        return tf.logSoftmax(logits).mul(next).sum().neg();
      };
      parts.push(tf.tidy(() => tf.grad(loss)(predicting.slice([0, start, 0], [1, rows, hidden])) as Tensor3D));
    }
    return tf.concat(parts, 1).reshape<Tensor3D>([batch, time - 1, hidden]).pad([[0, 0], [0, 1], [0, 0]]);
  });
}

export interface LayerSensitivityRequest {
  layer: DecoderLayer;
  /** The residual stream before the layer, in batches `[batch, time, hidden]`; stays the caller's. */
  hidden: readonly Tensor3D[];
  /** The loss's gradient with respect to the stream after the layer, in the same batches. Disposed batch by batch, or all at once where this fails. */
  gradients: readonly Tensor3D[];
  /** Every tensor of the layer. */
  weights: Weights;
  /** Is handed the input of every sub-block. Must not keep the tensor. */
  onSubBlock?: (subBlock: SubBlock, x: Tensor3D) => void;
}

export interface LayerSensitivity {
  /** By linear: mean over its weights and the sequences of the squared gradient of the sequence's loss. */
  scores: Map<string, number>;
  /** With respect to the stream before the layer, in the same batches. */
  gradients: Tensor3D[];
}

/** One layer of the backward pass. Its scores are small numbers, its gradients what the layer before it needs. */
export async function layerSensitivity({ layer, hidden, gradients, weights, onSubBlock }: LayerSensitivityRequest): Promise<LayerSensitivity> {
  const linears = linearsOf(layer);
  const squares = new SquaredGradients();
  const before: Tensor3D[] = [];
  try {
    for (const [index, h] of hidden.entries()) {
      before.push(crossLayer({ layer, h, gradient: gradients[index], weights, squares, onSubBlock }));
      gradients[index].dispose();
      // Lets a cancellation be seen between two batches.
      await macrotask();
    }
    const sequences = hidden.reduce((sum, { shape }) => sum + shape[0], 0);
    const scores = new Map(linears.map((linear) => [linear.name, meanOf(squares, linear) / sequences]));
    return { scores, gradients: before };
  } catch (fault) {
    tf.dispose([before, [...gradients]]);
    throw fault;
  } finally {
    squares.dispose();
  }
}

interface Crossing extends Pick<LayerSensitivityRequest, 'layer' | 'weights' | 'onSubBlock'> {
  h: Tensor3D;
  /** Behind the layer. */
  gradient: Tensor3D;
  squares: SquaredGradients;
}

/** Adds the squared weight gradients of one batch, and returns the gradient with respect to h. */
function crossLayer({ layer, h, gradient, weights, squares, onSubBlock }: Crossing): Tensor3D {
  // On its way back through a linear, the gradient of its output adds that of its weights. An expert's output has as many rows as the router gives it.
  const apply = (linear: LinearSpec, x: Tensor3D): Tensor3D =>
    customVjp(
      [x],
      (given) => ({ value: applyLinear(given, linear, weights), saved: [given] }),
      (dy, [input]) => {
        squares.add({ linear, x: input, dy });
        return [acrossLinear(dy, linear, weights)];
      },
    );
  const forward = (stream: Tensor): Tensor3D =>
    layer.subBlocks.reduce<Tensor3D>((before, subBlock) => {
      const x = subBlock.enter(before, weights);
      onSubBlock?.(subBlock, x);
      const core = subBlock.core(subBlock.inputs.map((linear) => apply(linear, x)), weights);
      return subBlock.leave(before, apply(subBlock.output, core), weights);
    }, stream as Tensor3D);
  return tf.tidy(() => tf.grad(forward)(h, gradient) as Tensor3D);
}

/** Over the weights of one linear. Divided first, so that large sums do not overflow. */
function meanOf(squares: SquaredGradients, linear: LinearSpec): number {
  return tf.tidy(() => squares.get(linear)?.mean().dataSync()[0]) ?? 0;
}
