import { setImmediate as macrotask } from 'node:timers/promises';
import { LowestK } from './lowest-k.js';
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
   * `sum (y - w x) x^T`, `[out, in]`, where x is the input, y the wanted output and w the kept weights. If the wanted output is that of
   * the dense weights D, this is `(D - w) G`.
   */
  correlation: Float32Array;
  /** `[out, in]`: the current values of kept weights, and the values that pruned weights come back with, unless these are fitted. */
  values: Float32Array;
  /** `[out, in]`, 1 = kept. */
  mask: Uint8Array;
  pattern: Pattern;
  /** Whether a weight that comes back gets the value that lowers the error most, instead of the one in `values`. */
  fitted: boolean;
  /** Maximum number of searches for candidates per row. */
  rounds: number;
  /** The number of kept and of pruned weights of a row, or of a group of M, that are tried against each other. */
  candidates: number;
}

export interface ExactSwapsResult {
  mask: Uint8Array;
  /** The values of the request, with new values for weights that came back. */
  values: Float32Array;
  swaps: number;
  /** The decrease of each row's squared output error, summed over tokens. `[out]` */
  lowered: Float64Array;
}

/** Weights that are processed between two macrotasks, so that a cancellation can take effect. */
const weightsAtOnce = 2 ** 20;

/**
 * Swaps kept and pruned weights of the same row (with N:M, of the same M inputs) if that lowers the squared error of the linear's
 * outputs. G gives this error exactly (the idea of SparseSwaps). Every row, and every M inputs, keeps the same number of weights.
 *
 * Let `c = sum (y - w x) x` for a row. Pruning `u`, whose value is a, and bringing back `p` with the value b changes the error by
 * `2 a c_u + a^2 G_uu - 2 b c_p + b^2 G_pp - 2 a b G_up`. The best b is `(c_p + a G_up) / G_pp`. With it, the terms of p add up to
 * `-(c_p + a G_up)^2 / G_pp`.
 *
 * In each round the candidates of a row are the kept weights with the lowest cost by themselves, and the pruned weights with the
 * highest gain by themselves. The best of all their pairs is swapped, then the best pair after that, until no pair lowers the error.
 * A round swaps at most as many pairs as there are candidates of a kind. Ties go to the lower position. A weight whose input is
 * always zero comes back with its value from `values`, because G says nothing about it.
 *
 * A row needs about `8 in` operations per round to find candidates. Each swap needs `5 candidates^2` operations to choose it and
 * `4 in` to keep c exact.
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

/** The current state of one row. */
interface Row {
  mask: Uint8Array;
  values: Float32Array;
  correlation: Float64Array;
}

/** Finds candidates and swaps them. Its arrays are reused for all rows. */
class Search {
  private readonly kept: LowestK;
  private readonly pruned: LowestK;
  private readonly pairs: PairSwaps;
  /** The diagonal of the Gram matrix, which is read for every row. */
  private readonly squares: Float64Array;

  constructor(private readonly linear: Pick<ExactSwaps, 'gram' | 'shape' | 'fitted'>, size: number) {
    const inputs = linear.shape[1];
    this.squares = Float64Array.from({ length: inputs }, (_, i) => linear.gram[i * inputs + i]);
    this.kept = new LowestK(size);
    this.pruned = new LowestK(size);
    this.pairs = new PairSwaps(size);
  }

  /** Makes the swaps of one round among the inputs [from, to) of a row, and updates the row. */
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

  /** Copies the result of the swaps to the row: mask and values, and the correlation, by one column of G for every changed value. */
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
