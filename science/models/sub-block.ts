import { tf } from '../engine/index.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '../engine/index.js';
import { WeightError } from './errors.js';
import { linearsOf } from './linears.js';
import { biasPart, orWithoutModel } from './tensor-specs.js';
import type { DecoderLayer, LinearSpec, SubBlock, TensorSpec, Weights } from './types.js';

/**
 * Returns the tensor with a given name.
 *
 * @throws WeightError if there is none.
 */
export function weightOf<T extends Tensor>(weights: Weights, name: string): T {
  const tensor = weights.get(name);
  if (tensor === undefined) {
    throw new WeightError({ what: `the tensor '${name}' was not passed`, expected: `it to be one of the ${weights.size} tensors passed` });
  }
  return tensor as T;
}

/**
 * `x W^T + b`, as one matrix product for the whole batch.
 *
 * @param x `[batch, time, in]`
 * @returns `[batch, time, out]`
 * @throws WeightError if the weight or the bias is missing, or the weight does not have the linear's shape.
 */
export function applyLinear(x: Tensor3D, linear: LinearSpec, weights: Weights): Tensor3D {
  const weight = weightOf<Tensor2D>(weights, linear.name);
  const [out, inputs] = linear.shape;
  if (weight.shape[0] !== out || weight.shape[1] !== inputs) {
    throw new WeightError({ what: `the tensor '${linear.name}' is [${weight.shape.join(', ')}]`, expected: `[${out}, ${inputs}]` });
  }
  const [batch, time] = x.shape;
  return tf.tidy(() => {
    const product = tf.matMul(x.reshape<Tensor2D>([batch * time, inputs]), weight, false, true);
    const result = linear.bias === undefined ? product : product.add(weightOf<Tensor1D>(weights, linear.bias));
    return result.reshape<Tensor3D>([batch, time, out]);
  });
}

/**
 * Runs a sub-block from its normed input to its output, without the residual: `output(core(inputs(x)))`.
 * Masked weights are passed under the linears' names in `weights`.
 *
 * @param x `[batch, time, hidden]`, from `subBlock.enter`.
 * @returns `[batch, time, hidden]`, for `subBlock.leave`.
 */
export function runSubBlock(subBlock: SubBlock, x: Tensor3D, weights: Weights): Tensor3D {
  return tf.tidy(() => {
    const outputs = subBlock.inputs.map((linear) => applyLinear(x, linear, weights));
    return applyLinear(subBlock.core(outputs, weights), subBlock.output, weights);
  });
}

/** A sub-block with its norms, the tensors that it reads besides the weights and biases of its linears. */
export interface SubBlockWithNorms extends SubBlock {
  norms: readonly TensorSpec[];
}

/** Makes a decoder layer from its sub-blocks, with the list of all its tensors. */
export function layerOf(index: number, subBlocks: readonly SubBlockWithNorms[]): DecoderLayer {
  const linears = linearsOf({ subBlocks });
  const ofLinears = linears.flatMap(({ name, shape, bias, part }): TensorSpec[] => {
    const weight = { name, shape, ...(part && { part }) };
    return bias === undefined ? [weight] : [weight, { name: bias, shape: [shape[0]], ...(part && { part: biasPart(part) }) }];
  });
  const tensors = [...subBlocks.flatMap(({ norms }) => norms), ...ofLinears];
  return { index, tensors: tensors.map(orWithoutModel), subBlocks };
}
