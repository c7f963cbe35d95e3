import { tf } from '../engine/index.js';
import type { SequenceLayout } from './types.js';

/**
 * Makes the layout of sequences of questions. In each sequence, the shared tokens are marked 0, and the tails after them 1, 2, ...;
 * further zeros are padding.
 *
 * @param tails marks `[batch * time]`; undefined if no sequence has tails
 */
export function sequenceLayout(tails: Int32Array | undefined, [batch, time]: readonly [number, number]): SequenceLayout {
  if (tails === undefined) return {};
  const shape: [number, number] = [batch, time];
  return { tailed: { tails: tf.tensor2d(tails, shape, 'int32'), positions: tf.tensor2d(positionsOf(tails, time), shape, 'int32') } };
}

/** Frees the tensors of a layout. */
export function disposeLayout({ tailed }: SequenceLayout): void {
  if (tailed !== undefined) tf.dispose([tailed.tails, tailed.positions]);
}

function positionsOf(tails: Int32Array, time: number): Int32Array {
  const positions = new Int32Array(tails.length);
  for (let sequence = 0; sequence < tails.length / time; sequence++) {
    const marks = tails.subarray(sequence * time, (sequence + 1) * time);
    const place = positions.subarray(sequence * time, (sequence + 1) * time);
    const firstTail = marks.findIndex((mark) => mark !== 0);
    const shared = firstTail < 0 ? time : firstTail;
    let start = 0;
    for (let i = 0; i < time; i++) {
      if (i > 0 && marks[i] !== marks[i - 1]) start = i;
      // Padding is never read. Its position only has to be valid, so it stays 0.
      if (i < shared) place[i] = i;
      else if (marks[i] !== 0) place[i] = shared + i - start;
    }
  }
  return positions;
}
