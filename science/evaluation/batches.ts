import type { ScoredToken, Sequence } from './sequences.js';

/** Sequences of similar length that go through a layer together, padded on the right with token 0, which does not affect the tokens before it. */
export interface SequenceBatch {
  count: number;
  /** Tokens of a sequence, with padding. */
  time: number;
  /** `[count, time]` */
  ids: Int32Array;
  /** `[count, time]`: the tail that a token belongs to, from 1; 0 for a shared token. Absent if no sequence has tails. */
  tails?: Int32Array;
  /** Here `row` is an index into the whole batch: `sequence * time + position`. */
  scored: ScoredToken[];
}

export interface BatchLimits {
  /** Returns the maximum number of sequences of `time` tokens in a batch. */
  most: (time: number) => number;
  /** The number of tokens that the model can read. Sequences without tails are not padded beyond it. */
  maxLength: number;
}

/** A batch with this many tokens takes no sequence that would need much padding. */
const enoughTokens = 2048;
/** A sequence shorter than this share of the longest in its batch needs much padding. */
const nearEqual = 0.8;

/**
 * Sorts sequences by length and cuts them into batches. The batches depend only on the sequences and the limits, so equal work
 * gives equal bits.
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

/**
 * Rounds a length up to the next of eight steps per octave (steps of at least 8 tokens). That leaves few distinct lengths, for
 * which tables are kept, and from 64 tokens on it adds less than an eighth of padding.
 */
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
