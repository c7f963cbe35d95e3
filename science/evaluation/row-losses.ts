import { tf } from '../engine/index.js';
import type { Tensor1D, Tensor2D, Tensor3D } from '../engine/index.js';
import type { DecoderModel, Weights } from '../models/types.js';

/**
 * Returns the negative log-likelihoods, in nats, of one target per row. Logits are computed in chunks of rows, so that at most
 * `limit` are held.
 *
 * @param weights the tensors of `model.headTensors`.
 * @param rows hidden states after the last decoder layer, `[rows, hidden]`.
 * @param targets int32 `[rows]`
 */
export function rowLosses(model: DecoderModel, weights: Weights, rows: Tensor2D, targets: Tensor1D, limit: number): Float32Array {
  const [count, hidden] = rows.shape;
  const losses = new Float32Array(count);
  const chunk = Math.max(1, Math.floor(limit / model.vocabularySize));
  for (let start = 0; start < count; start += chunk) {
    const length = Math.min(chunk, count - start);
    const part = tf.tidy(() => {
      const h = rows.slice([start, 0], [length, hidden]).reshape<Tensor3D>([1, length, hidden]);
      const logits = model.head(h, weights).reshape<Tensor2D>([length, -1]);
      const picks = tf.stack([tf.range(0, length, 1, 'int32'), targets.slice(start, length)], 1);
      return logSumExp(logits).sub(tf.gatherND(logits, picks));
    });
    losses.set(part.dataSync(), start);
    part.dispose();
  }
  return losses;
}

/** `log(sum(exp(row)))` of each row, shifted by its maximum so that nothing overflows. */
function logSumExp(rows: Tensor2D): Tensor1D {
  const top = rows.max(-1, true);
  return rows.sub(top).exp().sum(-1).log().add(top.squeeze([-1]));
}
