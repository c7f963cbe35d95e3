/**
 * How sensitive the model's loss is to each linear: the mean diagonal element of the Hessian of the cross-entropy (Shao et al. 2024,
 * equation 6). The paper estimates it by Hutchinson's method, which differentiates twice through the whole model at once. Here
 * the Fisher information, the mean over sequences of the squared gradient, replaces the Hessian. The two agree in expectation if
 * the model predicts the distribution of its texts. The Fisher information needs only one backward pass, layer by layer, from the
 * last to the first.
 */
import { setImmediate as macrotask } from 'node:timers/promises';
import { maxLogits } from '../../../cost/logits.js';
import { tf } from '../../../engine/index.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '../../../engine/index.js';
import { customVjp } from '../../../models/custom-vjp.js';
import { linearsOf } from '../../../models/linears.js';
import { applyLinear } from '../../../models/sub-block.js';
import type { DecoderLayer, DecoderModel, LinearSpec, SubBlock, Weights } from '../../../models/types.js';
import { inputGradient } from '../../parts/output-gradients.js';
import { SquaredGradients } from '../../parts/squared-gradients.js';

/**
 * Returns the gradient of the negative log-likelihood, summed over the tokens of each window, with respect to the hidden states
 * after the last layer. The backward pass begins with it.
 *
 * @param weights the tensors of `model.headTensors`
 * @param h `[batch, time, hidden]`; not disposed
 * @param ids the windows' tokens, int32 `[batch, time]`
 * @returns `[batch, time, hidden]`, in nats per unit of h; zero at the last token, which predicts nothing
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
  /** The residual stream before the layer, in batches `[batch, time, hidden]`. Not disposed. */
  hidden: readonly Tensor3D[];
  /** The loss's gradient with respect to the stream after the layer, in the same batches. Disposed batch by batch, or all at once on failure. */
  gradients: readonly Tensor3D[];
  /** Every tensor of the layer. */
  weights: Weights;
  /** Called with the input of every sub-block. Must not keep the tensor. */
  onSubBlock?: (subBlock: SubBlock, x: Tensor3D) => void;
}

export interface LayerSensitivity {
  /** By linear: the squared gradient of a sequence's loss, averaged over the linear's weights and the sequences. */
  scores: Map<string, number>;
  /** The gradient with respect to the stream before the layer, in the same batches. */
  gradients: Tensor3D[];
}

/** Runs one layer of the backward pass. Returns its scores, and the gradients that the layer before it needs. */
export async function layerSensitivity({ layer, hidden, gradients, weights, onSubBlock }: LayerSensitivityRequest): Promise<LayerSensitivity> {
  const linears = linearsOf(layer);
  const squares = new SquaredGradients();
  const before: Tensor3D[] = [];
  try {
    for (const [index, h] of hidden.entries()) {
      before.push(crossLayer({ layer, h, gradient: gradients[index], weights, squares, onSubBlock }));
      gradients[index].dispose();
      // Lets a cancellation take effect between two batches.
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
  /** With respect to the stream after the layer. */
  gradient: Tensor3D;
  squares: SquaredGradients;
}

/** Adds the squared weight gradients of one batch to `squares`, and returns the gradient with respect to h. */
function crossLayer({ layer, h, gradient, weights, squares, onSubBlock }: Crossing): Tensor3D {
  // The backward pass through a linear also adds its squared weight gradients. An expert's output has one row for each token routed to it.
  const apply = (linear: LinearSpec, x: Tensor3D): Tensor3D =>
    customVjp(
      [x],
      (given) => ({ value: applyLinear(given, linear, weights), saved: [given] }),
      (dy, [input]) => {
        squares.add({ linear, x: input, dy });
        return [inputGradient(dy, linear, weights)];
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

/** Returns the mean over the weights of one linear. */
function meanOf(squares: SquaredGradients, linear: LinearSpec): number {
  return tf.tidy(() => squares.get(linear)?.mean().dataSync()[0]) ?? 0;
}
