import { setImmediate as macrotask } from 'node:timers/promises';
import { BestFew } from './best-few.js';
import { PruningInputError } from './errors.js';
import { checkFinite } from './finite.js';
import { checkDivides } from './pattern.js';
import type { Pattern, Shape } from './pattern.js';
import { dead, PairSwaps } from './pair-swaps.js';

export interface ExactSwaps {
  /** For error messages. */
  name: string;
  /** `[out, in]` */
  shape: Shape;
  /** `G = sum x x^T`, `[in, in]`, symmetric. */
  gram: Float32Array | Float64Array;
  /**
   * `sum (y - w x) x^T`, `[out, in]`: what the linear is to give, less what its kept weights w give, against its input. Where it is to give
   * what the dense weights D give, that is `(D - w) G`.
   */
  correlation: Float32Array;
  /** `[out, in]`: of kept weights their values now; of pruned ones those that they come back with, as far as these are not fitted. */
  values: Float32Array;
  /** `[out, in]`, 1 = kept. */
  mask: Uint8Array;
  pattern: Pattern;
  /** Whether a weight that comes back gets the value that lowers the error most, instead of the one in `values`. */
  fitted: boolean;
  /** Times at most that a row's candidates are looked for. */
  rounds: number;
  /** How many kept and how many pruned weights of a row, or of a group of M, are tried against each other. */
  candidates: number;
}

export interface ExactSwapsResult {
  mask: Uint8Array;
  /** As the request's, with the values of weights that came back. */
  values: Float32Array;
  swaps: number;
  /** By how much the squared error of each row's outputs, summed over tokens, went down. `[out]` */
  lowered: Float64Array;
}

/** Weights of rows between two macrotasks, so that a cancellation is seen. */
const weightsAtOnce = 2 ** 20;

/**
 * Exchanges kept for pruned weights of the same row (with N:M, of the same M inputs) where that lowers the squared error of the
 * linear's outputs, which G tells exactly (the idea of SparseSwaps). Every row, and every M inputs, keeps as many as before.
 *
 * Let `c = sum (y - w x) x` for a row. To take away `u`, whose value is a, and to bring back `p` with the value b changes the error by
 * `2 a c_u + a^2 G_uu - 2 b c_p + b^2 G_pp - 2 a b G_up`. The best b is `(c_p + a G_up) / G_pp`, with which the part of p comes to
 * `-(c_p + a G_up)^2 / G_pp`.
 *
 * In each round a row's candidates are the kept weights that cost least by themselves, and the pruned ones that gain most. The best of all
 * their pairs is swapped, and the best that there is then, until none lowers the error, but no more pairs than there are candidates
 * of a kind. Equals rank by position, lower first. What G cannot tell (an input that is always zero) comes back with its value of `values`.
 *
 * A row takes about `8 in` operations a round to find candidates, `5 candidates^2` a swap to choose it, and `4 in` a swap to keep c exact.
 *
 * @throws PatternError, NonFiniteScoreError, PruningInputError
 */
export async function exactSwaps(request: ExactSwaps): Promise<ExactSwapsResult> {
  const { shape: [outputs, inputs], correlation, pattern, rounds, candidates } = request;
  check(request);
  const mask = request.mask.slice();
  const values = request.values.slice();
  const lowered = new Float64Array(outputs);
  const width = pattern.kind === 'N:M' ? pattern.of : inputs;
  const search = new Search(request, Math.min(candidates, width));
  const yieldEvery = Math.max(1, Math.floor(weightsAtOnce / inputs));
  let swaps = 0;
  for (let row = 0; row < outputs; row++) {
    const [from, to] = [row * inputs, (row + 1) * inputs];
    const state: Row = { mask: mask.subarray(from, to), values: values.subarray(from, to), correlation: Float64Array.from(correlation.subarray(from, to)) };
    for (let round = 0; round < rounds; round++) {
      let made = 0;
      for (let first = 0; first < inputs; first += width) {
        const result = search.swapWithin(state, first, first + width);
        made += result.swaps;
        lowered[row] += result.lowered;
      }
      swaps += made;
      if (made === 0) break;
    }
    if ((row + 1) % yieldEvery === 0) await macrotask();
  }
  checkFinite(values, inputs, `swapped values of ${request.name}`);
  return { mask, values, swaps, lowered };
}

function check({ name, shape, gram, correlation, values, mask, pattern, rounds, candidates }: ExactSwaps): void {
  const [outputs, inputs] = shape;
  const lengths = [gram.length, correlation.length, values.length, mask.length];
  const expected = [inputs ** 2, ...Array<number>(3).fill(outputs * inputs)];
  if (lengths.some((length, i) => length !== expected[i])) {
    throw new PruningInputError({ where: name, what: `Gram matrix, correlation, values and mask of ${lengths.join(', ')} numbers`, expected: expected.join(', ') });
  }
  for (const [setting, value] of Object.entries({ rounds, candidates })) {
    if (!Number.isInteger(value) || value < 1) throw new PruningInputError({ where: 'swaps', what: `${setting} is ${value}`, expected: 'a whole number >= 1' });
  }
  checkDivides(pattern, { name, shape });
  if (gram instanceof Float32Array) checkFinite(gram, inputs, `Gram matrix of the inputs of ${name}`);
  checkFinite(correlation, inputs, `correlation of ${name}`);
  checkFinite(values, inputs, `values of ${name}`);
}

/** One row as it stands. */
interface Row {
  mask: Uint8Array;
  values: Float32Array;
  correlation: Float64Array;
}

/** Candidates, and the swaps among them. Its arrays serve all rows. */
class Search {
  private readonly kept: BestFew;
  private readonly pruned: BestFew;
  private readonly pairs: PairSwaps;
  /** The Gram matrix's diagonal, which is read for every row. */
  private readonly squares: Float64Array;

  constructor(private readonly linear: Pick<ExactSwaps, 'gram' | 'shape' | 'fitted'>, size: number) {
    const inputs = linear.shape[1];
    this.squares = Float64Array.from({ length: inputs }, (_, i) => linear.gram[i * inputs + i]);
    this.kept = new BestFew(size);
    this.pruned = new BestFew(size);
    this.pairs = new PairSwaps(size);
  }

  /** Makes a round's swaps among the inputs [from, to) of a row, which is brought up to date. */
  swapWithin(row: Row, from: number, to: number): { swaps: number; lowered: number } {
    const { linear, kept, pruned, pairs } = this;
    this.findCandidates(row, from, to);
    if (kept.count === 0 || pruned.count === 0) return { swaps: 0, lowered: 0 };
    pairs.load(linear, row, kept.numbers.subarray(0, kept.count), pruned.numbers.subarray(0, pruned.count));
    const result = pairs.swap(linear.fitted);
    if (result.swaps > 0) this.take(row);
    return result;
  }

  private findCandidates({ mask, values, correlation }: Row, from: number, to: number): void {
    const { kept, pruned, squares, linear: { fitted } } = this;
    kept.clear();
    pruned.clear();
    for (let i = from; i < to; i++) {
      const value = values[i];
      const c = correlation[i];
      const g = squares[i];
      if (mask[i] === 1) kept.offer(i, value * (2 * c + value * g));
      else if (!fitted) pruned.offer(i, value * (value * g - 2 * c));
      else pruned.offer(i, g < dead ? 0 : -c * c / g);
    }
  }

  /** Brings the row to what the pairs have come to: mask, values, and the correlation by a column of G for every value that changed. */
  private take({ mask, values, correlation }: Row): void {
    const { linear: { gram, shape: [, inputs] }, pairs } = this;
    for (let id = 0; id < pairs.count; id++) {
      const at = pairs.positions[id];
      const change = pairs.change(id);
      mask[at] = pairs.isKept(id);
      if (mask[at] === 1) values[at] = pairs.values[id];
      if (change === 0) continue;
      const start = at * inputs;
      for (let i = 0; i < inputs; i++) correlation[i] -= change * gram[start + i];
    }
  }
}
