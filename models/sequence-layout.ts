import { tf } from '../engine/index.js';
import type { SequenceLayout } from './types.js';

/**
 * The layout of sequences whose tails are marked from 1 on, behind the tokens that they share, marked 0. Zeros after the tails
 * fill the sequence up.
 *
 * @param tails `[batch * time]`
 */
export function sequenceLayout(tails: Int32Array, [batch, time]: readonly [number, number]): SequenceLayout {
  const positions = new Int32Array(batch * time);
  for (let sequence = 0; sequence < batch; sequence++) {
    const marks = tails.subarray(sequence * time, (sequence + 1) * time);
    const place = positions.subarray(sequence * time, (sequence + 1) * time);
    const firstTail = marks.findIndex((mark) => mark !== 0);
    const shared = firstTail < 0 ? time : firstTail;
    let start = 0;
    for (let i = 0; i < time; i++) {
      if (i > 0 && marks[i] !== marks[i - 1]) start = i;
      // Nobody looks at what fills up; its position only has to be one that there is.
      if (i < shared) place[i] = i;
      else if (marks[i] !== 0) place[i] = shared + i - start;
    }
  }
  return { tails: tf.tensor2d(tails, [batch, time], 'int32'), positions: tf.tensor2d(positions, [batch, time], 'int32') };
}
