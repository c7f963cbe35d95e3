import type { ScoredToken, Sequence } from './sequences.js';

/** Sequences of about one length that go through a layer together, filled up with token 0 on the right, which changes nothing before it. */
export interface SequenceBatch {
  count: number;
  /** Tokens of a sequence, filling included. */
  time: number;
  /** `[count, time]` */
  ids: Int32Array;
  /** `[count, time]`: which tail a token is of, from 1; 0 where it is shared. Absent where no sequence has tails. */
  tails?: Int32Array;
  /** `row` counts through the whole batch: `sequence * time + place`. */
  scored: ScoredToken[];
}

export interface BatchLimits {
  /** Most sequences of so many tokens that go together. */
  most: (time: number) => number;
  /** What the model can read: sequences without tails are not filled up beyond it. */
  maxLength: number;
}

/** Tokens from which on a batch rather ends than is filled up much. */
const enoughTokens = 2048;
/** What is shorter than this share of a batch's longest is much shorter. */
const nearEqual = 0.8;

/**
 * Sorts sequences by length and cuts them into batches. Follows from the sequences and the limits alone, so that equal work has
 * equal batches, and equal bits.
 */
export function batchesOf(sequences: readonly Sequence[], { most, maxLength }: BatchLimits): SequenceBatch[] {
  const batches: SequenceBatch[] = [];
  for (const kind of [sequences.filter(({ tails }) => tails.length === 0), sequences.filter(({ tails }) => tails.length > 0)]) {
    const timeOf = ({ tokens, tails }: Sequence): number => Math.min(paddedLength(tokens.length), tails.length > 0 ? Infinity : maxLength);
    const sorted = kind.map((sequence, order) => ({ sequence, order, time: timeOf(sequence) })).sort((a, b) => b.time - a.time || a.order - b.order);
    for (let start = 0; start < sorted.length; ) {
      const { time } = sorted[start];
      const full = start + Math.max(1, most(time));
      let end = start + 1;
      while (end < Math.min(full, sorted.length) && (sorted[end].time >= nearEqual * time || (end - start) * time < enoughTokens)) end++;
      batches.push(batchOf(sorted.slice(start, end).map(({ sequence }) => sequence), time));
      start = end;
    }
  }
  return batches;
}

/** Up to the next of eight steps an octave: few lengths, for which tables are kept, and less than an eighth of filling. */
export function paddedLength(tokens: number): number {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(Math.max(1, tokens))) - 3));
  return Math.ceil(tokens / step) * step;
}

function batchOf(sequences: readonly Sequence[], time: number): SequenceBatch {
  const ids = new Int32Array(sequences.length * time);
  const scored: ScoredToken[] = [];
  const tails = sequences.some((sequence) => sequence.tails.length > 0) ? new Int32Array(ids.length) : undefined;
  sequences.forEach((sequence, index) => {
    const first = index * time;
    ids.set(sequence.tokens, first);
    for (const { request, row, target } of sequence.scored) scored.push({ request, row: first + row, target });
    let at = first + sequence.shared;
    sequence.tails.forEach((length, tail) => {
      tails?.fill(tail + 1, at, at + length);
      at += length;
    });
  });
  return { count: sequences.length, time, ids, ...(tails && { tails }), scored };
}
