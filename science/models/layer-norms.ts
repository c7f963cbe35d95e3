import type { Tensor1D, Tensor3D } from '../engine/index.js';
import { layerNorm } from './norms.js';
import { weightOf } from './sub-block.js';
import type { TensorSpec, Weights } from './types.js';

/** A layer norm of a checkpoint: its tensors, and a function that applies it. */
export interface NamedNorm {
  tensors: TensorSpec[];
  apply: (x: Tensor3D, weights: Weights) => Tensor3D;
}

/** The layer norm at a path; without weight and bias if it is not affine. */
export function namedLayerNorm(path: string, { hiddenSize, epsilon, affine = true }: { hiddenSize: number; epsilon: number; affine?: boolean }): NamedNorm {
  const weight = `${path}.weight`;
  const bias = `${path}.bias`;
  return {
    tensors: affine ? [weight, bias].map((name) => ({ name, shape: [hiddenSize] })) : [],
    apply: (x, weights) => {
      if (!affine) return layerNorm(x, epsilon);
      return layerNorm(x, epsilon, { weight: weightOf<Tensor1D>(weights, weight), bias: weightOf<Tensor1D>(weights, bias) });
    },
  };
}
