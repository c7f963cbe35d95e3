import { tf } from '../engine/index.js';
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '../engine/index.js';
import { constant } from './constants.js';
import { ropeTables, rotate } from './rope.js';
import type { Rope } from './rope.js';
import type { SequenceLayout } from './types.js';

export interface AttentionShape {
  /** Query heads. */
  heads: number;
  /** Key and value heads; a divisor of `heads`. */
  keyValueHeads: number;
  headDim: number;
  /** Factor of the products of queries and keys; default `1 / sqrt(headDim)`. */
  scale?: number;
  /** Bounds the scores: `c tanh(score / c)`. */
  softcap?: number;
}

/** Which positions a query sees, and how positions are encoded. */
export interface AttentionPositions {
  /** Rotary positions; absent if the hidden states already contain positions (learned embeddings). */
  rope?: Rope;
  /** Number of positions that a query sees, including its own; by default, all before it. */
  window?: number;
  /** The layout, if sequences have tails. */
  layout?: SequenceLayout;
}

/** `[batch, time, heads * headDim]` -> `[batch, heads, time, headDim]` */
export function splitHeads(x: Tensor3D, heads: number): Tensor4D {
  const [batch, time, width] = x.shape;
  return x.reshape<Tensor4D>([batch, time, heads, width / heads]).transpose<Tensor4D>([0, 2, 1, 3]);
}

/** The inverse of {@link splitHeads}. */
export function joinHeads(x: Tensor4D): Tensor3D {
  const [batch, heads, time, headDim] = x.shape;
  return x.transpose([0, 2, 1, 3]).reshape<Tensor3D>([batch, time, heads * headDim]);
}

/**
 * Additive mask `[time, time]` that hides later positions, and positions `window` or more back.
 * Its values are finite, so that infinity minus infinity cannot occur.
 */
export function attentionMask(time: number, window = time): Tensor2D {
  const seen = Math.min(window, time);
  return constant(`attention mask ${time} ${seen}`, () => {
    const values = new Float32Array(time * time).fill(-1e9);
    for (let row = 0; row < time; row++) values.fill(0, row * time + Math.max(0, row + 1 - seen), row * time + row + 1);
    return tf.tensor2d(values, [time, time]);
  });
}

/** Like {@link attentionMask}, for sequences with tails, `[batch, 1, time, time]`: a tail does not see other tails. */
export function tailedMask({ tails, positions }: NonNullable<SequenceLayout['tailed']>, window: number | undefined): Tensor4D {
  const [batch, time] = tails.shape;
  const query = (x: Tensor2D) => x.expandDims(2);
  const key = (x: Tensor2D) => x.expandDims(1);
  const strange = key(tails).notEqual(0).logicalAnd(query(tails).notEqual(key(tails)));
  const hidden = window === undefined ? strange : strange.logicalOr(query(positions).sub(key(positions)).greaterEqual(window));
  return attentionMask(time).add(hidden.cast('float32').mul(-1e9)).reshape<Tensor4D>([batch, 1, time, time]);
}

/** Multiplies x `[batch, heads, time, headDim]` by `scale`. With a rope, rotates it by its positions (back if `direction` is -1). */
export function scaleAndRotate(x: Tensor4D, { rope, layout }: AttentionPositions, scale: number, direction: 1 | -1): Tensor4D {
  if (rope !== undefined) return rotate(x, ropeTables(rope, x.shape[2], scale, direction), layout?.tailed?.positions);
  return scale === 1 ? x : x.mul(scale);
}

/** The factor of queries before the product with keys, and of their gradient. With a cap c, it makes the product `score / c`. */
export function queryScale({ headDim, scale = 1 / Math.sqrt(headDim), softcap = 1 }: AttentionShape): number {
  return scale / softcap;
}

/** Applies tanh to the products of {@link queryScale} if there is a cap, which gives values between -1 and 1. */
export function bounded<T extends Tensor>(scores: T, softcap: number | undefined): T {
  return softcap === undefined ? scores : scores.tanh();
}

/** Softmax of {@link bounded} scores, multiplied by the cap and masked. */
export function maskedSoftmax<T extends Tensor>(scores: T, { softcap }: AttentionShape, mask: Tensor): T {
  return tf.tidy(() => tf.softmax((softcap === undefined ? scores : scores.mul<T>(softcap)).add<T>(mask)));
}
