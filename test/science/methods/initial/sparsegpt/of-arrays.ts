/** SparseGPT and its factor, for tests whose weights and Hessians are arrays. */
import { matrix64, tf } from '../../../../../science/engine/index.js';
import type { Tensor2D } from '../../../../../science/engine/index.js';
import type { MaskTarget, Shape } from '../../../../../science/methods/index.js';
import { factorHessian as factor, type HessianFactor } from '../../../../../science/methods/parts/hessian-factor.js';
import { sparseGpt as prune, type PrunedLinear } from '../../../../../science/methods/initial/sparsegpt/sparsegpt.js';

/** Factors a Hessian on the host, and returns the values of the factor. */
export async function factorHessian(hessian: Float64Array, inputs: number, damping: number, name?: string): Promise<{ upper: Float64Array; damping: number; dead: Uint32Array }> {
  const made = await factored(hessian, inputs, damping, name);
  const upper = await made.upper();
  made.dispose();
  return { upper, damping: made.damping, dead: made.dead };
}

async function factored(hessian: Float64Array, inputs: number, damping: number, name?: string): Promise<HessianFactor> {
  const matrix = matrix64(hessian, inputs, inputs);
  return factor(matrix, damping, name).finally(() => { matrix.dispose(); });
}

interface Request {
  weight: Float32Array;
  shape: Shape;
  hessian: Float64Array;
  target: MaskTarget;
  blockSize?: number;
  name?: string;
}

export async function sparseGpt({ weight, shape, hessian, ...request }: Request): Promise<PrunedLinear & { damping: number; dead: number }> {
  const made = await factored(hessian, Math.sqrt(hessian.length), 0.01, request.name);
  const tensor: Tensor2D = tf.tensor2d(weight, [...shape]);
  try {
    return { ...(await prune({ weight: tensor, factor: made, ...request })), damping: made.damping, dead: made.dead.length };
  } finally {
    made.dispose();
    tensor.dispose();
  }
}
