import { tf } from '../engine/index.js';
import type { Tensor2D, Tensor3D } from '../engine/index.js';

/** How a router chooses experts. */
export interface Router {
  experts: number;
  /** How many experts each token gets. */
  chosen: number;
  /** Whether the weights of a token's experts are divided by their sum. */
  normalized: boolean;
}

/**
 * The weight of each expert for each token: the softmax of all router logits for the `chosen` largest, 0 for all others.
 *
 * @param logits `[batch, time, experts]`
 * @returns the same shape
 */
export function expertWeights(logits: Tensor3D, { experts, chosen, normalized }: Router): Tensor3D {
  return tf.tidy(() => {
    const { values, indices } = tf.topk(tf.softmax(logits), chosen);
    const weights = normalized ? values.div(values.sum(-1, true)) : values;
    return tf.oneHot(indices.cast('int32'), experts).cast('float32').mul(weights.expandDims(-1)).sum<Tensor3D>(2);
  });
}

/** The tokens of a batch that are routed to one expert. */
export interface RoutedTokens {
  sequences: number;
  /** The most that any sequence has, at least 1: an engine may not know empty tensors. */
  most: number;
  /** Where in `[batch * time]` each stands, sequence by sequence, and where in `[batch * most]` its row is. */
  positions: Int32Array;
  rows: Int32Array;
}

/** @param weights of one expert, `[batch, time, 1]`; 0 where a token is not routed to it */
export function routedTokens(weights: Tensor3D): RoutedTokens {
  const [sequences, time] = weights.shape;
  const values = weights.dataSync<'float32'>();
  const bySequence = Array.from({ length: sequences }, (_, sequence) => {
    const first = sequence * time;
    return Array.from({ length: time }, (__, token) => first + token).filter((position) => values[position] !== 0);
  });
  const most = Math.max(1, ...bySequence.map(({ length }) => length));
  return {
    sequences, most,
    positions: Int32Array.from(bySequence.flat()),
    rows: Int32Array.from(bySequence.flatMap((own, sequence) => own.map((_, index) => sequence * most + index))),
  };
}

/** Rows of `[n, width]` at these tokens, `[batch, most, width]`, with rows of zeros behind those of sequences that have fewer. */
export function gatherTokens(all: Tensor2D, { sequences, most, positions, rows }: RoutedTokens, map: (gathered: Tensor3D) => Tensor3D): Tensor3D {
  return tf.tidy(() => {
    const index = new Int32Array(sequences * most);
    const used = new Float32Array(sequences * most);
    rows.forEach((row, i) => {
      index[row] = positions[i];
      used[row] = 1;
    });
    const mapped = map(tf.gather(all, tf.tensor1d(index, 'int32')).reshape<Tensor3D>([sequences, most, -1]));
    return rows.length === index.length ? mapped : mapped.mul(tf.tensor3d(used, [sequences, most, 1]));
  });
}
