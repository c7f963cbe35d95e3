import { tf } from '../engine/index.js';
import type { Tensor1D, Tensor2D, Tensor3D } from '../engine/index.js';
import type { DecoderModel, Weights } from '../models/types.js';
import { NonFiniteLossError, NothingScoredError } from './errors.js';

/** Logits held at once, in numbers: 256 MB in float32. */
const maxLogits = 64 * 2 ** 20;

/**
 * Negative log-likelihoods, in nats, of every token of each window but the first.
 *
 * @param weights the tensors of `model.headTensors`.
 * @param h hidden states after the last decoder layer, `[batch, time, hidden]`.
 * @param ids the windows' tokens, int32 `[batch, time]`.
 * @param logitsLimit how many logits may be held at once; they are made in chunks of rows to stay below it.
 * @returns `batch * (time - 1)` numbers, window by window.
 * @throws NonFiniteLossError
 */
export function tokenLosses(model: DecoderModel, weights: Weights, h: Tensor3D, ids: Tensor2D, logitsLimit = maxLogits): Float32Array {
  const [batch, time, hidden] = h.shape;
  const count = batch * (time - 1);
  const losses = new Float32Array(count);
  const chunk = Math.max(1, Math.floor(logitsLimit / model.vocabularySize));
  tf.tidy(() => {
    const scoring = h.slice([0, 0, 0], [batch, time - 1, hidden]).reshape<Tensor3D>([1, count, hidden]);
    const targets = ids.slice([0, 1], [batch, time - 1]).reshape<Tensor1D>([count]);
    for (let start = 0; start < count; start += chunk) {
      const rows = Math.min(chunk, count - start);
      const part = tf.tidy(() => {
        const logits = model.head(scoring.slice([0, start, 0], [1, rows, hidden]), weights).reshape<Tensor2D>([rows, -1]);
        const picks = tf.stack([tf.range(0, rows, 1, 'int32'), targets.slice(start, rows)], 1);
        return logSumExp(logits).sub(tf.gatherND(logits, picks));
      });
      losses.set(part.dataSync(), start);
      part.dispose();
    }
  });
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  if (bad >= 0) {
    throw new NonFiniteLossError({
      what: `the log-likelihood of token ${(bad % (time - 1)) + 1} of window ${Math.floor(bad / (time - 1))} is ${-losses[bad]}`,
      expected: 'finite numbers',
      remedy: 'Check the weights for NaN and infinity',
    });
  }
  return losses;
}

/** `log(sum(exp(row)))` of each row, shifted by its maximum so that nothing overflows. */
function logSumExp(rows: Tensor2D): Tensor1D {
  const top = rows.max(-1, true);
  return rows.sub(top).exp().sum(-1).log().add(top.squeeze([-1]));
}

/**
 * `exp(mean negative log-likelihood)`.
 *
 * @param sum of the losses of all scored tokens, in nats, accumulated in double precision.
 * @param count scored tokens: `time - 1` per window.
 * @throws NothingScoredError if there is none.
 */
export function perplexity(sum: number, count: number): number {
  if (count === 0) {
    throw new NothingScoredError({
      what: 'no token was scored', expected: 'at least one window of two tokens', remedy: 'Score more text, or skip fewer tokens',
    });
  }
  return Math.exp(sum / count);
}
