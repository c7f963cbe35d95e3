import { tf } from '../engine/index.js';
import type { Tensor, Tensor3D, Tensor4D } from '../engine/index.js';
import { queryBlocks } from './attention-blocks.js';
import type { QueryBlock } from './attention-blocks.js';
import { attentionMask, bounded, joinHeads, maskedSoftmax, queryScale, splitHeads, tailedMask, scaleAndRotate } from './attention-parts.js';
import type { AttentionPositions, AttentionShape } from './attention-parts.js';
import { customVjp } from './custom-vjp.js';

/**
 * Causal attention `softmax(q k^T / sqrt(headDim)) v`, between the linears of an attention sub-block: grouped heads,
 * rotary positions (Su et al. 2021), and, depending on the family, a sliding window (Beltagy et al. 2020), another factor
 * and capped scores.
 *
 * Queries are processed in blocks, each with the keys that it sees: there is no `[time, time]` matrix of all heads, and
 * almost nothing after the diagonal is computed. The gradient recomputes the softmax of each block (Dao et al. 2022), so
 * nothing of that size is kept for it either.
 *
 * Keys and values are not repeated for grouped heads: query heads that share a key and value head are consecutive, so
 * `[heads, rows]`, read as `[keyValueHeads, group * rows]`, needs one matrix product per group.
 *
 * The vector-Jacobian product is written by hand (`P` is the softmax, `O` the result):
 * `dV = P^T dO`, `dS = P * (dO V^T - rowsum(dO * O))`, `dQ = dS K`, `dK = dS^T Q`. With a cap c on the scores, dS is also
 * multiplied by `c (1 - tanh^2)`.
 *
 * @param q `[batch, time, heads * headDim]`
 * @param k `[batch, time, keyValueHeads * headDim]`
 * @param v like k
 * @param rows queries per block; more mean fewer operations, but more work on hidden pairs
 * @returns `[batch, time, heads * headDim]`
 */
export function causalAttention(q: Tensor3D, k: Tensor3D, v: Tensor3D, shape: AttentionShape, positions: AttentionPositions, rows?: number): Tensor3D {
  const [batch, time] = q.shape;
  const { heads, keyValueHeads, headDim, softcap } = shape;
  const { window } = positions;
  const tailed = positions.layout?.tailed;
  // With tails, positions differ from places in the sequence, so every earlier key may be within the window.
  const blocks = queryBlocks(time, { rows, window: tailed === undefined ? window : undefined });
  const scale = queryScale(shape);

  const queriesOf = (x: Tensor4D, block: QueryBlock) => grouped(x.slice([0, 0, block.start, 0], [batch, heads, block.rows, x.shape[3]]));
  const keysOf = (x: Tensor4D, block: QueryBlock) => (block.keys === time ? x : x.slice([0, 0, block.firstKey, 0], [batch, keyValueHeads, block.keys, headDim]));
  const grouped = (x: Tensor4D) => x.reshape<Tensor4D>([batch, keyValueHeads, -1, x.shape[3]]);
  const perHead = (x: Tensor4D) => x.reshape<Tensor4D>([batch, heads, -1, x.shape[3]]);
  /** Softmax of the block's scores, and the scores as from `bounded`; both grouped. */
  const probabilities = (Q: Tensor4D, K: Tensor4D, mask: Tensor4D, block: QueryBlock): { P: Tensor4D; capped: Tensor4D } => {
    const scores = perHead(bounded(tf.matMul<Tensor4D>(queriesOf(Q, block), keysOf(K, block), false, true), softcap));
    const blockMask = mask.slice([0, 0, block.start, block.firstKey], [mask.shape[0], 1, block.rows, block.keys]);
    return { P: grouped(maskedSoftmax(scores, shape, blockMask)), capped: grouped(scores) };
  };
  const maskOfAll = (): Tensor4D => (tailed === undefined ? attentionMask(time, window).reshape<Tensor4D>([1, 1, time, time]) : tailedMask(tailed, window));

  return customVjp(
    [q, k, v],
    (q_, k_, v_) => {
      const Q = scaleAndRotate(splitHeads(q_, heads), positions, scale, 1);
      const K = scaleAndRotate(splitHeads(k_, keyValueHeads), positions, 1, 1);
      const V = splitHeads(v_, keyValueHeads);
      const O = tf.tidy(() => {
        const mask = maskOfAll();
        return joined(blocks.map((block) => tf.tidy(() => perHead(tf.matMul(probabilities(Q, K, mask, block).P, keysOf(V, block))))));
      });
      return { value: joinHeads(O), saved: [Q, K, V, O] };
    },
    (dy, [Q, K, V, O]) => {
      const mask = maskOfAll();
      const dO = splitHeads(dy, heads);
      const meanSlope = dO.mul<Tensor4D>(O).sum<Tensor4D>(-1, true);
      const dQ: Tensor4D[] = [];
      let ofKeys: { dK?: Tensor4D; dV?: Tensor4D } = {};
      for (const block of blocks) {
        const before = ofKeys;
        const made = tf.tidy(() => {
          const { P, capped } = probabilities(Q, K, mask, block);
          const slopes = queriesOf(dO, block);
          const dP = P.mul<Tensor4D>(tf.matMul<Tensor>(slopes, keysOf(V, block), false, true).sub(queriesOf(meanSlope, block)));
          const dS = softcap === undefined ? dP : dP.mul<Tensor4D>(capped.square().mul(-softcap).add(softcap));
          return {
            dQ: perHead(tf.matMul(dS, keysOf(K, block))),
            dK: plusBlock(before.dK, tf.matMul(dS, queriesOf(Q, block), true, false), block),
            dV: plusBlock(before.dV, tf.matMul(P, slopes, true, false), block),
          };
        });
        tf.dispose(before);
        dQ.push(made.dQ);
        ofKeys = { dK: made.dK, dV: made.dV };
      }
      const { dK, dV } = ofKeys as Required<typeof ofKeys>;
      return [joinHeads(scaleAndRotate(joined(dQ), positions, scale, -1)), joinHeads(scaleAndRotate(dK, positions, 1, -1)), joinHeads(dV)];
    },
  );
}

const joined = (blocks: Tensor4D[]): Tensor4D => (blocks.length === 1 ? blocks[0] : tf.concat(blocks, 2));

/** Adds a block's part to the sum over earlier blocks `[batch, heads, keys so far, headDim]`. The block also has new keys after them. */
function plusBlock(sum: Tensor4D | undefined, part: Tensor4D, { firstKey }: QueryBlock): Tensor4D {
  if (sum === undefined) return part;
  const behind = firstKey + part.shape[2] - sum.shape[2];
  const ofAll = firstKey === 0 ? part : part.pad<Tensor4D>([[0, 0], [0, 0], [firstKey, 0], [0, 0]]);
  return sum.pad<Tensor4D>([[0, 0], [0, 0], [0, behind], [0, 0]]).add(ofAll);
}
