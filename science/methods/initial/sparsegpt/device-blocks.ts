import { setImmediate as macrotask } from 'node:timers/promises';
import { diagonalOf, tf, type Tensor2D } from '../../../engine/index.js';
import { groupBudget, type MaskTarget } from '../../parts/budget.js';
import { pruneSmallestOnDevice } from '../../parts/device-prune.js';
import { downloadMask } from '../../parts/mask-set.js';
import type { BlocksRequest, PrunedLinear } from './sparsegpt.js';

/** Block by block in the engine, in float32. Masks come down as one bit a weight, and the updated weights. */
export async function pruneOnDevice({ weight, factor, target, width }: BlocksRequest): Promise<PrunedLinear> {
  const [, inputs] = weight.shape;
  const upper = factor.tensor();
  const done: PrunedBlock[] = [];
  // What the blocks done have left of the columns on their right.
  let rest = withoutDead(weight, factor.dead);
  try {
    for (let start = 0; start < inputs; start += width) {
      const columns: Columns = { start, width: Math.min(width, inputs - start), of: inputs };
      const [mask, updated, right] = tf.tidy(() => pruneBlock(rest, upper, columns, target));
      done.push({ mask, weight: updated });
      rest.dispose();
      rest = right;
      // Lets a cancellation be seen.
      await macrotask();
    }
    const mask = tf.concat(done.map((block) => block.mask), 1);
    const updated = tf.concat(done.map((block) => block.weight), 1);
    tf.dispose(done.splice(0).flatMap((block) => [block.mask, block.weight]));
    const bytes = downloadMask(mask);
    mask.dispose();
    const values = await updated.data<'float32'>();
    updated.dispose();
    return { mask: bytes, weight: values };
  } finally {
    tf.dispose([rest, ...done.flatMap((block) => [block.mask, block.weight])]);
  }
}

interface Columns {
  start: number;
  width: number;
  /** Columns of the linear. */
  of: number;
}

/** `[out, width]` each. */
interface PrunedBlock {
  mask: Tensor2D;
  weight: Tensor2D;
}

function withoutDead(weight: Tensor2D, dead: Uint32Array): Tensor2D {
  const alive = new Float32Array(weight.shape[1]).fill(1);
  for (const column of dead) alive[column] = 0;
  // Never -0.
  return tf.tidy(() => weight.mul(tf.tensor1d(alive)).add<Tensor2D>(0));
}

/**
 * The first columns of what is left: all their mask at once, or group of M by group of M, each time with all updates from the columns before.
 * @param rest `[out, columns from the block on]`
 * @returns the block's mask and weights, and what is left on its right
 */
function pruneBlock(rest: Tensor2D, upper: Tensor2D, { start, width, of }: Columns, target: MaskTarget): [mask: Tensor2D, weight: Tensor2D, right: Tensor2D] {
  const { pattern } = target;
  const [outputs] = rest.shape;
  const diagonal = upper.slice([start, start], [width, width]);
  const pivots = diagonalOf(diagonal).reshape<Tensor2D>([1, width]);
  const group = pattern.kind === 'N:M' ? pattern.of : width;
  let weight: Tensor2D = rest.slice([0, 0], [outputs, width]);
  const masks: Tensor2D[] = [];
  const errors: Tensor2D[] = [];
  for (let first = 0; first < width; first += group) {
    const scores = weight.div<Tensor2D>(pivots).slice([0, first], [outputs, group]);
    const mask = pattern.kind === 'N:M'
      ? pruneSmallestOnDevice(scores, group - pattern.keep)
      : pruneSmallestOnDevice(scores.reshape([1, scores.size]), groupBudget(target, { from: start, to: start + width, of, size: scores.size })).reshape<Tensor2D>([outputs, group]);
    masks.push(mask);
    const pruned = tf.sub(1, mask);
    for (let j = 0; j < group; j++) {
      const column = first + j;
      const error = tf.tidy(() => weight.slice([0, column], [outputs, 1]).div(pivots.slice([0, column], [1, 1])).mul<Tensor2D>(pruned.slice([0, j], [outputs, 1])));
      const before = weight;
      // U is zero on the left of its diagonal, so columns that are done stay as they are.
      weight = tf.tidy(() => before.sub(tf.matMul<Tensor2D>(error, diagonal.slice([column, 0], [1, width]))));
      before.dispose();
      errors.push(error);
    }
  }
  const mask = tf.concat(masks, 1);
  const after = start + width;
  const right = of === after ? rest.slice<Tensor2D>([0, width], [outputs, 0]) : rest.slice<Tensor2D>([0, width], [outputs, of - after])
    .sub<Tensor2D>(tf.matMul(tf.concat(errors, 1), upper.slice([start, after], [width, of - after])));
  // Exactly zero, not what rounding leaves.
  return [mask, tf.where(mask.cast('bool'), weight, tf.zerosLike(weight)), right];
}
