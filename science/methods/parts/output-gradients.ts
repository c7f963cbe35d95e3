import { keep, tf } from '../../engine/index.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '../../engine/index.js';
import { customVjp } from '../../models/custom-vjp.js';
import { applyLinear, weightOf } from '../../models/sub-block.js';
import type { LinearSpec, SubBlock, Weights } from '../../models/types.js';
import { meanSquare } from './sequence-errors.js';

/** The input of one linear and the gradient at its output. Together they give its weight gradient, `dY^T X` per sequence. */
export interface LinearGradient {
  linear: LinearSpec;
  /** `[batch, time, in]` */
  x: Tensor3D;
  /** Gradient at the linear's output, `[batch, time, out]`. */
  dy: Tensor3D;
}

export interface DensePass {
  /** The dense output, `[batch, time, hidden]`. */
  y: Tensor3D;
  /** Mean squared error against the target, `[batch]`. */
  errors: Tensor1D;
  gradients: LinearGradient[];
}

/**
 * The dense forward of a sub-block and the gradients of `||y - t||^2 / 2` at the outputs of its linears, at the dense
 * weights: one crossing of the output linear, and the core's vector-Jacobian product by automatic differentiation.
 *
 * The method's loss is `mean((t - y)^2)`, whose gradient is smaller by 2 / (time * hidden). That constant is left out: it
 * scales all importances of a sub-block by the same factor, so it does not change their order, and squares of larger numbers
 * stay clear of denormals.
 *
 * Call within `tf.tidy`: all results belong to the caller's scope.
 *
 * @param x `[batch, time, hidden]`, the result of `subBlock.enter`
 * @param t the sparse output on the same x, `[batch, time, hidden]`
 */
export function denseWithGradients(subBlock: SubBlock, x: Tensor3D, t: Tensor3D, weights: Weights): DensePass {
  const { output } = subBlock;
  // Intermediate results of the differentiated function that the weight gradients need.
  let core!: Tensor3D;
  let y!: Tensor3D;
  let difference!: Tensor3D;
  const errorOf = (result: Tensor3D): Tensor1D =>
    customVjp(
      [result],
      (input) => {
        y = keep(applyLinear(input, output, weights));
        difference = keep(y.sub<Tensor3D>(t));
        return { value: meanSquare(difference), saved: [] };
      },
      () => [inputGradient(difference, output, weights)],
    );
  const outputs = subBlock.inputs.map((linear) => applyLinear(x, linear, weights));
  const { value, grads } = tf.valueAndGrads((...values: Tensor[]) => {
    core = keep(subBlock.core(values as Tensor3D[], weights));
    return errorOf(core);
  })(outputs);

  const gradients = subBlock.inputs.map((linear, index) => ({ linear, x, dy: grads[index] as Tensor3D }));
  gradients.push({ linear: output, x: release(core), dy: release(difference) });
  return { y: release(y), errors: value, gradients };
}

/** Moves a kept tensor to the current scope. */
function release(kept: Tensor3D): Tensor3D {
  const scoped = kept.clone();
  kept.dispose();
  return scoped;
}

/** `dY W`: the gradient at a linear's input. */
export function inputGradient(dy: Tensor3D, linear: LinearSpec, weights: Weights): Tensor3D {
  const [out, inputs] = linear.shape;
  const [batch, time] = dy.shape;
  const flat = tf.matMul(dy.reshape<Tensor2D>([batch * time, out]), weightOf<Tensor2D>(weights, linear.name));
  return flat.reshape<Tensor3D>([batch, time, inputs]);
}
