import { maxLogits } from '../cost/logits.js';
import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';
import type { DecoderModel, Weights } from '../models/types.js';
import { NonFiniteLossError } from './errors.js';
import { rowLosses } from './row-losses.js';
import type { ScoredToken } from './sequences.js';

/**
 * Returns the log-likelihoods, in nats, of the scored tokens. Logits are computed for these tokens only.
 *
 * @param weights the tensors of `model.headTensors`.
 * @param h hidden states of a batch after the last decoder layer, `[batch, time, hidden]`.
 * @param scored with `row` as an index into the whole batch.
 * @param logitsLimit how many logits may be held at once.
 * @returns one number per scored token
 * @throws NonFiniteLossError
 */
export function logLikelihoods(model: DecoderModel, weights: Weights, h: Tensor3D, scored: readonly ScoredToken[], logitsLimit = maxLogits): Float32Array {
  const [batch, time, hidden] = h.shape;
  const [rows, targets] = tf.tidy(() => [
    h.reshape<Tensor2D>([batch * time, hidden]).gather(tf.tensor1d(scored.map(({ row }) => row), 'int32')),
    tf.tensor1d(scored.map(({ target }) => target), 'int32'),
  ]);
  const losses = rowLosses(model, weights, rows, targets, logitsLimit);
  tf.dispose([rows, targets]);
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  if (bad >= 0) {
    throw new NonFiniteLossError({
      what: `the log-likelihood of a token of request ${scored[bad].request} is ${-losses[bad]}`,
      expected: 'finite numbers',
      remedy: 'Check the weights for NaN and infinity',
    });
  }
  return losses.map((loss) => -loss);
}
