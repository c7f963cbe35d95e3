import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';
import { customVjp } from './custom-vjp.js';

/** How a router chooses experts. */
export interface Router {
  experts: number;
  /** Number of experts that each token is routed to. */
  expertsPerToken: number;
  /** Whether the weights of a token's experts are divided by their sum. */
  normalized: boolean;
}

/**
 * The weight of each expert for each token: the softmax of all router logits for the `chosen` largest, 0 for all others.
 *
 * The gradient treats the choice as constant. With the softmax p, the sum S of the chosen p (1 if weights are not normalized) and
 * w = p / S, the gradient of a chosen p is `(dw - sum of dw w) / S`; without the sum if weights are not normalized.
 *
 * @param logits `[batch, time, experts]`
 * @returns the same shape
 */
export function expertWeights(logits: Tensor3D, { experts, expertsPerToken, normalized }: Router): Tensor3D {
  return tf.tidy(() => customVjp(
    [logits],
    (given) => {
      const probabilities = tf.softmax(given);
      const { values, indices } = tf.topk(probabilities, expertsPerToken);
      const total = normalized ? values.sum<Tensor3D>(-1, true) : tf.ones<Tensor3D['rankType']>([1, 1, 1]);
      const weights = normalized ? values.div(total) : values;
      const value = tf.oneHot(indices.cast('int32'), experts).cast('float32').mul(weights.expandDims(-1)).sum<Tensor3D>(2);
      return { value, saved: [probabilities, value, total] };
    },
    (dy, [probabilities, weights, total]) => {
      const centred = normalized ? dy.sub(dy.mul(weights).sum(-1, true)) : dy;
      const ofChosen = centred.div(total).mul(weights.greater(0));
      return [probabilities.mul(ofChosen.sub(ofChosen.mul(probabilities).sum(-1, true)))];
    },
  ));
}

/** The tokens of a batch that are routed to one expert. */
export interface RoutedTokens {
  sequences: number;
  /** The largest number of tokens in any sequence; at least 1, because an engine may not support empty tensors. */
  maxTokens: number;
  /** The place of each token in `[batch * time]`, sequence by sequence, and of its row in `[batch * most]`. */
  positions: Int32Array;
  rows: Int32Array;
}

/** Finds the tokens of one expert. @param weights its weights, `[batch, time, 1]`; 0 for a token that is not routed to it */
export function routedTokens(weights: Tensor3D): RoutedTokens {
  const [sequences, time] = weights.shape;
  const values = weights.dataSync<'float32'>();
  const bySequence = Array.from({ length: sequences }, (_, sequence) => {
    const first = sequence * time;
    return Array.from({ length: time }, (__, token) => first + token).filter((position) => values[position] !== 0);
  });
  const maxTokens = Math.max(1, ...bySequence.map(({ length }) => length));
  return {
    sequences, maxTokens,
    positions: Int32Array.from(bySequence.flat()),
    rows: Int32Array.from(bySequence.flatMap((own, sequence) => own.map((_, index) => sequence * maxTokens + index))),
  };
}

/** Gathers the rows of these tokens from `[n, width]` and maps them, `[batch, most, width]`. Pads shorter sequences with zeros. */
export function gatherTokens(all: Tensor2D, tokens: RoutedTokens, map: (gathered: Tensor3D) => Tensor3D): Tensor3D {
  const { sequences, maxTokens } = tokens;
  return tf.tidy(() => {
    const gathered = customVjp([all], (given) => ({ value: rowsAt(given, tokens), saved: [] }), (dy) => [scattered(dy, tokens, all.shape[0])]);
    return zeroPadding(map(gathered.reshape<Tensor3D>([sequences, maxTokens, -1])), tokens);
  });
}

/**
 * The reverse of {@link gatherTokens}: puts rows `[batch, most, width]` at their places among n tokens, `[n, width]`, with zeros for all
 * other tokens. Both use only gathers, also in their gradients: on a GPU, a deterministic scatter moves the whole stream to the host
 * and back.
 */
export function placeTokens(rows: Tensor3D, tokens: RoutedTokens, n: number): Tensor2D {
  const [sequences, maxTokens, width] = rows.shape;
  return tf.tidy(() => customVjp(
    [rows],
    (given) => ({ value: scattered(given.reshape([sequences * maxTokens, width]), tokens, n), saved: [] }),
    (dy) => [zeroPadding(rowsAt(dy, tokens).reshape<Tensor3D>([sequences, maxTokens, width]), tokens)],
  ));
}

/** `[n, width]` -> `[batch * most, width]`; padding rows repeat the first row. */
function rowsAt(all: Tensor2D, { sequences, maxTokens, positions, rows }: RoutedTokens): Tensor2D {
  const index = new Int32Array(sequences * maxTokens);
  rows.forEach((row, i) => { index[row] = positions[i]; });
  return tf.gather(all, tf.tensor1d(index, 'int32'));
}

/** `[batch * most, width]` -> `[n, width]` */
function scattered(gathered: Tensor2D, { sequences, maxTokens, positions, rows }: RoutedTokens, n: number): Tensor2D {
  // Tokens of other experts get the row of zeros at the end.
  const source = new Int32Array(n).fill(sequences * maxTokens);
  positions.forEach((position, i) => { source[position] = rows[i]; });
  return tf.gather(tf.concat([gathered, tf.zeros<Tensor2D['rankType']>([1, gathered.shape[1]])], 0), tf.tensor1d(source, 'int32'));
}

/** Sets the padding rows after the tokens of each sequence to zero. */
function zeroPadding(x: Tensor3D, { sequences, maxTokens, rows }: RoutedTokens): Tensor3D {
  if (rows.length === sequences * maxTokens) return x;
  const used = new Float32Array(sequences * maxTokens);
  rows.forEach((row) => { used[row] = 1; });
  return x.mul(tf.tensor3d(used, [sequences, maxTokens, 1]));
}
