import { maxLogits } from '../cost/logits.js';
import { tf } from '../engine/index.js';
import type { Tensor1D, Tensor2D, Tensor3D } from '../engine/index.js';
import type { DecoderModel, Weights } from '../models/types.js';
import { NonFiniteLossError, NothingScoredError } from './errors.js';
import { rowLosses } from './row-losses.js';

/**
 * Returns the negative log-likelihoods, in nats, of every token of each window except its first.
 *
 * @param weights the tensors of `model.headTensors`.
 * @param h hidden states after the last decoder layer, `[batch, time, hidden]`.
 * @param ids the windows' tokens, int32 `[batch, time]`.
 * @param logitsLimit how many logits may be held at once; they are computed in chunks of rows to stay below it.
 * @returns `batch * (time - 1)` numbers, window by window.
 * @throws NonFiniteLossError
 */
export function tokenLosses(model: DecoderModel, weights: Weights, h: Tensor3D, ids: Tensor2D, logitsLimit = maxLogits): Float32Array {
  const [batch, time, hidden] = h.shape;
  const count = batch * (time - 1);
  const [rows, targets] = tf.tidy(() => [
    h.slice([0, 0, 0], [batch, time - 1, hidden]).reshape<Tensor2D>([count, hidden]),
    ids.slice([0, 1], [batch, time - 1]).reshape<Tensor1D>([count]),
  ] as [Tensor2D, Tensor1D]);
  const losses = rowLosses(model, weights, rows, targets, logitsLimit);
  tf.dispose([rows, targets]);
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

/**
 * `exp(mean negative log-likelihood)`.
 *
 * @param sum of the losses of all scored tokens, in nats, accumulated in double precision.
 * @param count scored tokens: `time - 1` per window.
 * @throws NothingScoredError if no token was scored.
 */
export function perplexity(sum: number, count: number): number {
  if (count === 0) {
    throw new NothingScoredError({
      what: 'no token was scored', expected: 'at least one window of two tokens', remedy: 'Score more text, or skip fewer tokens',
    });
  }
  return Math.exp(sum / count);
}
