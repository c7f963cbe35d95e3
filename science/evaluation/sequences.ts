import type { EncodedRequest } from './requests.js';

/**
 * Tokens on which several requests are scored. It begins with the `shared` tokens, which all requests have in common, followed by
 * the tails in which they differ. A tail sees the shared tokens and itself, at the positions that it would have alone.
 */
export interface Sequence {
  tokens: Int32Array;
  shared: number;
  /** Number of tokens of each tail. The tails fill the sequence after the shared tokens. */
  tails: number[];
  scored: ScoredToken[];
}

/** A token whose likelihood counts for a request. It is predicted at `row` of its sequence. */
export interface ScoredToken {
  request: number;
  row: number;
  target: number;
}

/** Returns the cost of a sequence with this many tokens. Only ratios matter. */
export type SequenceCost = (tokens: number) => number;

/**
 * Returns the sequences that score the requests of one document. Their common beginning runs only once if that costs less. It always
 * does if at most one request continues after it (answers of one token), otherwise if the context is long compared with the answers.
 *
 * @param first number of the first request; the others are numbered consecutively
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
  // A single tail is just the rest of its sequence.
  const shared = tailed.length === 1 ? tailed[0].request.input.length : prefix;
  const tails: number[] = [];
  const tokens = [...requests[0].request.input.subarray(0, prefix)];
  const scored: ScoredToken[] = [];
  for (const { request: { input, targets }, index } of requests) {
    // Token `prefix` of the request becomes token `start` of the sequence.
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
