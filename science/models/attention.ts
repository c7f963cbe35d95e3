import { tf } from '../engine/index.js';
import type { Tensor, Tensor3D, Tensor4D } from '../engine/index.js';
import { attentionOfLayout } from './attention-of-layout.js';
import { attentionMask, bounded, joinHeads, maskedSoftmax, queryScale, splitHeads, turn } from './attention-parts.js';
import type { AttentionPositions, AttentionShape } from './attention-parts.js';
import { customVjp } from './custom-vjp.js';

/**
 * Causal attention `softmax(q k^T / sqrt(headDim)) v`, between the linears of an attention sub-block: grouped heads,
 * rotary positions (Su et al. 2021), a sliding window (Beltagy et al. 2020), another factor and capped scores where the
 * family has them.
 *
 * Grouped heads repeat nothing: query heads that share a key and value head are consecutive, so `[heads, time]` read as
 * `[keyValueHeads, group * time]` makes one matrix product of each group.
 *
 * The vector-Jacobian product is written out (with `P` the softmax, `O` the result):
 * `dV = P^T dO`, `dS = P * (dO V^T - rowsum(dO * O))`, `dQ = dS K`, `dK = dS^T Q`; it makes two passes over
 * `[time, time]` where the recorded one makes four. With a cap c on the scores, dS is also times `c (1 - tanh^2)`.
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
  const { softcap } = shape;
  const scale = queryScale(shape);
  const group = heads / keyValueHeads;
  const grouped = <T extends Tensor>(x: T) => x.reshape<Tensor4D>([batch, keyValueHeads, group * time, x.shape.at(-1) as number]);
  const perHead = (x: Tensor4D) => x.reshape<Tensor4D>([batch, heads, time, headDim]);

  return customVjp(
    [q, k, v],
    (q_, k_, v_) => {
      const Q = grouped(turn(splitHeads(q_, heads), positions, scale, 1));
      const K = turn(splitHeads(k_, keyValueHeads), positions, 1, 1);
      const V = splitHeads(v_, keyValueHeads);
      const scores = tf.tidy(() => bounded(tf.matMul(Q, K, false, true).reshape<Tensor3D>([batch * heads, time, time]), softcap));
      const P = grouped(maskedSoftmax(scores, shape, attentionMask(time, window)));
      const O = tf.matMul<Tensor4D>(P, V);
      return { value: joinHeads(perHead(O)), saved: [Q, K, V, P, O, ...(softcap === undefined ? [] : [grouped(scores)])] };
    },
    (dy, [Q, K, V, P, O, tanh]) => {
      const dO = grouped(splitHeads(dy, heads));
      const dV = tf.matMul<Tensor4D>(P, dO, true, false);
      const dP = tf.tidy(() => P.mul<Tensor4D>(tf.matMul(dO, V, false, true).sub(dO.mul(O).sum(-1, true))));
      const dS = softcap === undefined ? dP : tf.tidy(() => dP.mul<Tensor4D>(tanh.square().mul(-softcap).add(softcap)));
      const dQ = turn(perHead(tf.matMul<Tensor4D>(dS, K)), positions, scale, -1);
      const dK = turn(tf.matMul<Tensor4D>(dS, Q, true, false), positions, 1, -1);
      return [joinHeads(dQ), joinHeads(dK), joinHeads(dV)];
    },
  );
}
