import type { EncodedRequest } from './requests.js';

/**
 * Tokens on which several requests are scored: `shared` tokens that all of them begin with, and behind them, side by side, the
 * tails in which they differ. A tail sees the shared tokens and itself, at the positions that it would have alone.
 */
export interface Sequence {
  tokens: Int32Array;
  shared: number;
  /** Tokens of each tail; they fill the rest. */
  tails: number[];
  scored: ScoredToken[];
}

/** A token whose likelihood counts for a request: predicted at `row` of its sequence. */
export interface ScoredToken {
  request: number;
  row: number;
  target: number;
}

/** What running a sequence of that many tokens costs; only ratios matter. */
export type SequenceCost = (tokens: number) => number;

/**
 * The sequences that score the requests of one document. What they have in common at their beginning runs once wherever that costs
 * less: always where all but one end there (answers of one token), else where the context is long for its answers.
 *
 * @param first number of the first request; the others follow
 */
export function sequencesOf(requests: readonly EncodedRequest[], first: number, cost: SequenceCost): Sequence[] {
  const shared = commonPrefix(requests.map(({ input }) => input));
  const tails = requests.flatMap((request, index) => (request.input.length > shared ? [{ request, index }] : []));
  const ended = requests.flatMap((request, index) => (request.input.length > shared ? [] : [{ request, index }]));
  const packedLength = tails.reduce((total, { request }) => total + request.input.length - shared, shared);
  const apart = tails.reduce((total, { request }) => total + cost(request.input.length), 0);
  const groups = tails.length < 2 || cost(packedLength) < apart ? [tails] : tails.map((one) => [one]);
  return groups.map((group, position) => joined(position === 0 ? [...ended, ...group] : group, shared, first));
}

function joined(requests: readonly { request: EncodedRequest; index: number }[], prefix: number, first: number): Sequence {
  const tailed = requests.filter(({ request }) => request.input.length > prefix);
  // One tail alone is just the rest of its sequence.
  const shared = tailed.length === 1 ? tailed[0].request.input.length : prefix;
  const tails: number[] = [];
  const tokens = [...requests[0].request.input.subarray(0, prefix)];
  const scored: ScoredToken[] = [];
  for (const { request: { input, targets }, index } of requests) {
    // What is at `prefix` of the request alone stands at `start` of the sequence.
    const start = tokens.length;
    for (const token of input.subarray(prefix)) tokens.push(token);
    if (input.length > shared) tails.push(input.length - prefix);
    targets.forEach((target, k) => {
      const at = input.length - targets.length + k;
      scored.push({ request: first + index, row: at < prefix ? at : start + at - prefix, target });
    });
  }
  return { tokens: Int32Array.from(tokens), shared, tails, scored };
}

function commonPrefix([one, ...others]: readonly Int32Array[]): number {
  let length = one.length;
  for (const other of others) {
    let same = 0;
    while (same < length && same < other.length && one[same] === other[same]) same++;
    length = same;
  }
  return length;
}
