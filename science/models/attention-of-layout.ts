import { tf } from '../engine/index.js';
import type { Tensor3D, Tensor4D } from '../engine/index.js';
import { attentionMask, bounded, joinHeads, maskedSoftmax, queryScale, splitHeads, tailedMask, turn } from './attention-parts.js';
import type { AttentionPositions, AttentionShape } from './attention-parts.js';
import type { SequenceLayout } from './types.js';

/** Least queries that look at their keys together: fewer would mean more copies of keys, more would mean more of what nobody sees. */
const queryBlock = 64;

/**
 * Causal attention for sequences of questions, without gradients: queries go block by block, and no block computes what lies behind its end.
 */
export function attentionOfLayout(q: Tensor3D, k: Tensor3D, v: Tensor3D, shape: AttentionShape, positions: AttentionPositions & { layout: SequenceLayout }): Tensor3D {
  const [batch, time] = q.shape;
  const { heads, keyValueHeads, headDim } = shape;
  const { window, layout: { tailed } } = positions;
  const group = heads / keyValueHeads;
  const block = Math.max(queryBlock, 2 * headDim);
  return tf.tidy(() => {
    const Q = turn(splitHeads(q, heads), positions, queryScale(shape), 1);
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
        const scores = bounded(tf.matMul(queries, keys(K), false, true).reshape<Tensor4D>([batch, heads, rows, end]), shape.softcap);
        const P = maskedSoftmax(scores, shape, mask.slice([0, 0, start, 0], [mask.shape[0], 1, rows, end]));
        return tf.matMul(P.reshape([batch, keyValueHeads, group * rows, end]), keys(V)).reshape<Tensor4D>([batch, heads, rows, headDim]);
      });
    });
    return joinHeads(blocks.length === 1 ? blocks[0] : tf.concat(blocks, 2));
  });
}
