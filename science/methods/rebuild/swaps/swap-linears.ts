import { tf } from '../../../engine/index.js';
import type { Tensor, Tensor2D, Tensor3D } from '../../../engine/index.js';
import { applyLinear, weightOf } from '../../../models/sub-block.js';
import type { LinearSpec, SubBlock, Weights } from '../../../models/types.js';
import { exactSwaps } from '../../parts/exact-swaps.js';
import { maskedLeastSquares } from '../../parts/masked-least-squares.js';
import type { Moments } from '../../parts/masked-least-squares.js';
import { maskOf, maskedWeights } from '../../parts/masked-weights.js';
import type { Masks } from '../../parts/masked-weights.js';
import type { Pattern } from '../../parts/pattern.js';
import { TokenSums } from '../../parts/token-sums.js';

export interface SwapLinears {
  subBlock: SubBlock;
  dense: Weights;
  masks: Masks;
  /** The linears' values: those of kept weights at the start, and those that pruned weights come back with. */
  base: Weights;
  /** Visits all windows, in the same order each time, with the sub-block's input x and its dense output y, `[batch, time, hidden]`. */
  each: (visit: (x: Tensor3D, y: Tensor3D) => void) => Promise<void>;
  /** Total number of tokens in the windows. */
  tokens: number;
  pattern: Pattern;
  rounds: number;
  candidates: number;
  /** Whether the kept weights are fitted before and after the swaps. */
  refit: boolean;
  /** Rounds fitted values to what the checkpoint will hold. */
  round: (linear: string, values: Float32Array) => Float32Array;
  /** Called after every linear. */
  onLinear?: (name: string, swaps: number) => void;
}

/**
 * Makes swaps in every linear of a sub-block, one after the other, as in refitSubBlock (science/methods/parts/refit.ts). The target of
 * an input linear is the output of its dense weights. The output linear then reads the new results of the input linears, and its
 * target is the dense output of the sub-block. With `refit` the kept weights are fitted before the swaps, so that swaps are chosen for
 * weights that compensate for each other, and again after them.
 *
 * @returns new masks, and with `refit` values `[out, in]` of every linear; those of pruned weights are arbitrary
 */
export async function swapLinears(request: SwapLinears): Promise<{ masks: Map<string, Uint8Array>; fitted?: Map<string, Float32Array> }> {
  const { subBlock, dense, base, each, refit } = request;
  const { inputs, output } = subBlock;
  const masks = new Map<string, Uint8Array>();
  const fitted = new Map<string, Float32Array>();
  const sums = new TokenSums();
  const tensors: Tensor[] = [];
  const swap = async (linear: LinearSpec, gram: Float32Array, targets: Tensor2D): Promise<void> => {
    try {
      const made = await swapLinear(request, linear, { moments: sums.moments(), gram, targets });
      masks.set(linear.name, made.mask);
      if (made.fitted !== undefined) fitted.set(linear.name, made.fitted);
    } finally {
      targets.dispose();
    }
  };
  try {
    await each((x) => { sums.add(x); });
    const read = await sums.moments().products.data<'float32'>();
    for (const linear of inputs) await swap(linear, read, tf.matMul<Tensor2D>(weightOf(dense, linear.name), sums.moments().products));
    sums.dispose();

    const masked = maskedWeights(new Map(inputs.map(({ name }) => [name, weightOf(base, name)])), masks, fitted);
    tensors.push(...masked.values());
    const weights = new Map([...dense, ...masked]);
    await each((x, y) => {
      sums.add(subBlock.core(inputs.map((linear) => applyLinear(x, linear, weights)), weights), output.bias === undefined ? y : y.sub<Tensor3D>(weightOf(dense, output.bias)));
    });
    await swap(output, await sums.moments().products.data<'float32'>(), sums.targets());
    return { masks, ...(refit && { fitted }) };
  } finally {
    sums.dispose();
    tf.dispose(tensors);
  }
}

/** The sums over a linear's inputs, and its target. */
interface LinearSums {
  moments: Moments;
  /** The moments' products, on the host. */
  gram: Float32Array;
  targets: Tensor2D;
}

async function swapLinear(request: SwapLinears, { name, shape }: LinearSpec, { moments, gram, targets }: LinearSums): Promise<{ mask: Uint8Array; fitted?: Float32Array }> {
  const { pattern, rounds, candidates, refit, round, onLinear } = request;
  const mask = maskOf(request.masks, name);
  const start = weightOf<Tensor2D>(request.base, name);
  const base = await start.data<'float32'>();
  const damping = refit ? shape[1] / Math.max(1, request.tokens) : 0;
  const fit = (on: Uint8Array): Promise<Float32Array> => maskedLeastSquares({ ...moments, targets, start, mask: on, damping });
  const values = refit ? withKept(base, await fit(mask), mask) : base;
  const correlation = await correlate({ moments, targets, start, values, mask, damping });
  const made = await exactSwaps({ name, shape, gram: damped(gram, damping), correlation, values, mask, pattern, fitted: refit, rounds, candidates });
  onLinear?.(name, made.swaps);
  return { mask: made.mask, ...(refit && { fitted: round(name, await fit(made.mask)) }) };
}

/** Returns the base with the fitted values of kept weights. */
function withKept(base: Float32Array, fitted: Float32Array, mask: Uint8Array): Float32Array {
  return base.map((value, i) => (mask[i] === 1 ? fitted[i] : value));
}

/**
 * Returns the Gram matrix of the error that a damped fit minimises (science/methods/parts/masked-least-squares.ts). In a fit, the penalty
 * of pruned weights is fixed. For swaps it is not, so that swaps stay close to the start, too.
 */
function damped(gram: Float32Array, damping: number): Float32Array {
  if (damping === 0) return gram;
  const inputs = Math.sqrt(gram.length);
  const result = gram.slice();
  for (let i = 0; i < gram.length; i += inputs + 1) result[i] *= 1 + damping;
  return result;
}

/** Returns `sum (y - w x) x^T + damping (start - w) diag(sum x x^T)`, `[out, in]`, where w are the kept values. */
async function correlate({ moments, targets, start, values, mask, damping }: {
  moments: Moments; targets: Tensor2D; start: Tensor2D; values: Float32Array; mask: Uint8Array; damping: number;
}): Promise<Float32Array> {
  const correlation = tf.tidy(() => {
    const kept = tf.tensor2d(values, start.shape).mul<Tensor2D>(tf.tensor2d(mask, start.shape, 'bool').cast('float32'));
    const plain = targets.sub<Tensor2D>(tf.matMul(kept, moments.products));
    return damping === 0 ? plain : plain.add<Tensor2D>(start.sub<Tensor2D>(kept).mul(moments.squares.mul(damping)));
  });
  try {
    return await correlation.data<'float32'>();
  } finally {
    correlation.dispose();
  }
}
