import { tf } from '../engine/index.js';
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '../engine/index.js';
import { constant } from './constants.js';
import { customVjp } from './custom-vjp.js';
import { ropeTables, rotate } from './rope.js';
import type { Rope } from './rope.js';
import type { SequenceLayout } from './types.js';

export interface AttentionShape {
  /** Query heads. */
  heads: number;
  /** Key and value heads; a divisor of `heads`. */
  keyValueHeads: number;
  headDim: number;
}

/** What says which positions a query sees, and how it learns where they are. */
export interface AttentionPositions {
  /** Rotary positions; absent where positions are in the hidden states already (learned embeddings). */
  rope?: Rope;
  /** How many positions a query sees, its own included; all before it where absent. */
  window?: number;
  /** Where sequences have tails. */
  layout?: SequenceLayout;
}

/** `[batch, time, heads * headDim]` -> `[batch, heads, time, headDim]` */
function splitHeads(x: Tensor3D, heads: number): Tensor4D {
  const [batch, time, width] = x.shape;
  return x.reshape<Tensor4D>([batch, time, heads, width / heads]).transpose<Tensor4D>([0, 2, 1, 3]);
}

/** The inverse of {@link splitHeads}. */
function joinHeads(x: Tensor4D): Tensor3D {
  const [batch, heads, time, headDim] = x.shape;
  return x.transpose([0, 2, 1, 3]).reshape<Tensor3D>([batch, time, heads * headDim]);
}

/**
 * Additive mask `[time, time]` that hides the future, and what lies `window` positions back or further.
 * Finite, so that no engine meets infinity minus infinity.
 */
function attentionMask(time: number, window = time): Tensor2D {
  const seen = Math.min(window, time);
  return constant(`attention mask ${time} ${seen}`, () => {
    const values = new Float32Array(time * time).fill(-1e9);
    for (let row = 0; row < time; row++) values.fill(0, row * time + Math.max(0, row + 1 - seen), row * time + row + 1);
    return tf.tensor2d(values, [time, time]);
  });
}

/** The same `[batch, 1, time, time]` where sequences have tails: each hides all others. */
function tailedMask({ tails, positions }: NonNullable<SequenceLayout['tailed']>, window: number | undefined): Tensor4D {
  const [batch, time] = tails.shape;
  const query = (x: Tensor2D) => x.expandDims(2);
  const key = (x: Tensor2D) => x.expandDims(1);
  const strange = key(tails).notEqual(0).logicalAnd(query(tails).notEqual(key(tails)));
  const hidden = window === undefined ? strange : strange.logicalOr(query(positions).sub(key(positions)).greaterEqual(window));
  return attentionMask(time).add(hidden.cast('float32').mul(-1e9)).reshape<Tensor4D>([batch, 1, time, time]);
}

/** x `[batch, heads, time, headDim]` times `scale`, turned by its positions (back where `direction` is -1) if there is a rope. */
function turn(x: Tensor4D, { rope, layout }: AttentionPositions, scale: number, direction: 1 | -1): Tensor4D {
  if (rope !== undefined) return rotate(x, ropeTables(rope, x.shape[2], scale, direction), layout?.tailed?.positions);
  return scale === 1 ? x : x.mul(scale);
}

/**
 * Causal attention `softmax(q k^T / sqrt(headDim)) v`, between the linears of an attention sub-block: grouped heads,
 * rotary positions (Su et al. 2021) and a sliding window (Beltagy et al. 2020) where the family has them.
 *
 * Grouped heads repeat nothing: query heads that share a key and value head are consecutive, so `[heads, time]` read as
 * `[keyValueHeads, group * time]` makes one matrix product of each group.
 *
 * The vector-Jacobian product is written out (with `P` the softmax, `O` the result):
 * `dV = P^T dO`, `dS = P * (dO V^T - rowsum(dO * O))`, `dQ = dS K`, `dK = dS^T Q`; it makes two passes over
 * `[time, time]` where the recorded one makes four.
 *
 * @param q `[batch, time, heads * headDim]`
 * @param k `[batch, time, keyValueHeads * headDim]`
 * @param v like k
 * @returns `[batch, time, heads * headDim]`
 */
export function causalAttention(q: Tensor3D, k: Tensor3D, v: Tensor3D, shape: AttentionShape, positions: AttentionPositions): Tensor3D {
  const [batch, time] = q.shape;
  const { heads, keyValueHeads, headDim } = shape;
  const { window, layout } = positions;
  if (layout !== undefined) return attentionOfLayout(q, k, v, shape, { ...positions, layout });
  const scale = 1 / Math.sqrt(headDim);
  const group = heads / keyValueHeads;
  const grouped = <T extends Tensor>(x: T) => x.reshape<Tensor4D>([batch, keyValueHeads, group * time, x.shape.at(-1) as number]);
  const perHead = (x: Tensor4D) => x.reshape<Tensor4D>([batch, heads, time, headDim]);

  return customVjp(
    [q, k, v],
    (q_, k_, v_) => {
      const Q = grouped(turn(splitHeads(q_, heads), positions, scale, 1));
      const K = turn(splitHeads(k_, keyValueHeads), positions, 1, 1);
      const V = splitHeads(v_, keyValueHeads);
      const scores = tf.matMul(Q, K, false, true).reshape<Tensor3D>([batch * heads, time, time]);
      const P = grouped(tf.softmax(scores.add<Tensor3D>(attentionMask(time, window))));
      const O = tf.matMul<Tensor4D>(P, V);
      return { value: joinHeads(perHead(O)), saved: [Q, K, V, P, O] };
    },
    (dy, [Q, K, V, P, O]) => {
      const dO = grouped(splitHeads(dy, heads));
      const dV = tf.matMul<Tensor4D>(P, dO, true, false);
      const dS = P.mul<Tensor4D>(tf.matMul(dO, V, false, true).sub(dO.mul(O).sum(-1, true)));
      const dQ = turn(perHead(tf.matMul<Tensor4D>(dS, K)), positions, scale, -1);
      const dK = turn(tf.matMul<Tensor4D>(dS, Q, true, false), positions, 1, -1);
      return [joinHeads(dQ), joinHeads(dK), joinHeads(dV)];
    },
  );
}

/** Least queries that look at their keys together: fewer would mean more copies of keys, more would mean more of what nobody sees. */
const queryBlock = 64;

/**
 * The same for sequences of questions, without gradients: queries go block by block, and no block computes what lies behind its end.
 */
function attentionOfLayout(q: Tensor3D, k: Tensor3D, v: Tensor3D, shape: AttentionShape, positions: AttentionPositions & { layout: SequenceLayout }): Tensor3D {
  const [batch, time] = q.shape;
  const { heads, keyValueHeads, headDim } = shape;
  const { window, layout: { tailed } } = positions;
  const group = heads / keyValueHeads;
  const block = Math.max(queryBlock, 2 * headDim);
  return tf.tidy(() => {
    const Q = turn(splitHeads(q, heads), positions, 1 / Math.sqrt(headDim), 1);
    const K = turn(splitHeads(k, keyValueHeads), positions, 1, 1);
    const V = splitHeads(v, keyValueHeads);
    const mask = tailed === undefined ? attentionMask(time, window).reshape<Tensor4D>([1, 1, time, time]) : tailedMask(tailed, window);
    const blocks = Array.from({ length: Math.ceil(time / block) }, (_, index) => {
      const start = index * block;
      const rows = Math.min(block, time - start);
      const end = start + rows;
      const keys = (x: Tensor4D) => x.slice([0, 0, 0, 0], [batch, keyValueHeads, end, headDim]);
      return tf.tidy(() => {
        const queries = Q.slice([0, 0, start, 0], [batch, heads, rows, headDim]).reshape([batch, keyValueHeads, group * rows, headDim]);
        const scores = tf.matMul(queries, keys(K), false, true).reshape<Tensor4D>([batch, heads, rows, end]);
        const P = tf.softmax(scores.add(mask.slice([0, 0, start, 0], [mask.shape[0], 1, rows, end])));
        return tf.matMul(P.reshape([batch, keyValueHeads, group * rows, end]), keys(V)).reshape<Tensor4D>([batch, heads, rows, headDim]);
      });
    });
    return joinHeads(blocks.length === 1 ? blocks[0] : tf.concat(blocks, 2));
  });
}
