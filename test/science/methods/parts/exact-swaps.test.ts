import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPattern } from '../../../../science/methods/parts/mask-check.js';
import { exactSwaps } from '../../../../science/methods/parts/exact-swaps.js';
import type { ExactSwaps } from '../../../../science/methods/parts/exact-swaps.js';
import { parsePattern, unstructured } from '../../../../science/methods/parts/pattern.js';
import type { Pattern } from '../../../../science/methods/parts/pattern.js';

interface Problem {
  /** `[tokens][in]` */
  x: number[][];
  /** Target outputs, `[tokens][out]`. */
  y: number[][];
  /** `[out][in]` */
  values: number[][];
  mask: number[][];
  pattern?: Pattern;
}

/** The oracle: the error of one row, computed from the outputs themselves. */
function errorOf({ x, y }: Problem, row: number, values: readonly number[], mask: readonly number[]): number {
  return x.reduce((sum, token, t) => sum + (y[t][row] - token.reduce((dot, input, i) => dot + (mask[i] === 1 ? values[i] * input : 0), 0)) ** 2, 0);
}

function requestOf(problem: Problem, more: Partial<ExactSwaps> = {}): ExactSwaps {
  const { x, y, values, mask, pattern = unstructured } = problem;
  const inputs = values[0].length;
  const indices = [...Array(inputs).keys()];
  return {
    name: 'w', shape: [values.length, inputs], pattern, fitted: false, rounds: 5, candidates: 48,
    gram: Float64Array.from(indices.flatMap((i) => indices.map((j) => x.reduce((sum, token) => sum + token[i] * token[j], 0)))),
    correlation: Float32Array.from(values.flatMap((row, out) => indices.map((i) =>
      x.reduce((sum, token, t) => sum + token[i] * (y[t][out] - token.reduce((dot, input, j) => dot + (mask[out][j] === 1 ? row[j] * input : 0), 0)), 0)))),
    values: Float32Array.from(values.flat()), mask: Uint8Array.from(mask.flat()),
    ...more,
  };
}

/** The error after the swap of a pair, with the best value for the weight that comes back if `fitted`. */
function errorOfPair(problem: Problem, row: number, u: number, p: number, fitted: boolean): number {
  const mask = problem.mask[row].map((bit, i) => (i === u ? 0 : i === p ? 1 : bit));
  if (!fitted) return errorOf(problem, row, problem.values[row], mask);
  // The error is a parabola in the value that comes back. Find it from three points.
  const at = (value: number): number => errorOf(problem, row, problem.values[row].map((old, i) => (i === p ? value : old)), mask);
  const [left, middle, right] = [at(-1), at(0), at(1)];
  const [half, slope] = [(left + right) / 2 - middle, (right - left) / 2];
  return half === 0 ? middle : middle - slope ** 2 / (4 * half);
}

function pairsOf(mask: readonly number[], of: number): [number, number][] {
  return mask.flatMap((kept, u) => mask.flatMap((other, p): [number, number][] => (kept === 1 && other === 0 && Math.floor(u / of) === Math.floor(p / of) ? [[u, p]] : [])));
}

function table(rows: number, columns: number, value: fc.Arbitrary<number>): fc.Arbitrary<number[][]> {
  return fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows });
}

/** So small that float32 holds every sum exactly. Some inputs are always zero. */
const eighths = fc.integer({ min: -12, max: 12 }).map((n) => n / 8);
const problems = (outputs: number, inputs: fc.Arbitrary<number> = fc.integer({ min: 2, max: 9 })): fc.Arbitrary<Problem> =>
  fc.tuple(inputs, fc.integer({ min: 1, max: 7 })).chain(([width, tokens]) => fc.record({
    x: fc.tuple(table(tokens, width, eighths), fc.array(fc.boolean(), { minLength: width, maxLength: width }))
      .map(([x, alive]) => x.map((token) => token.map((value, i) => (alive[i] || i % 2 === 0 ? value : 0)))),
    y: table(tokens, outputs, eighths), values: table(outputs, width, eighths), mask: table(outputs, width, fc.integer({ min: 0, max: 1 })),
  }));

function rowsOf(array: ArrayLike<number>, inputs: number): number[][] {
  return Array.from({ length: array.length / inputs }, (_, row) => Array.from(array).slice(row * inputs, (row + 1) * inputs));
}

describe.each([false, true])('exactSwaps, fitted: %s', (fitted) => {
  it('lowers the error by the reported amount in every round, and with all candidates at least as far as the best pair', async () => {
    await fc.assert(fc.asyncProperty(problems(1), async (problem) => {
      const inputs = problem.values[0].length;
      const before = errorOf(problem, 0, problem.values[0], problem.mask[0]);
      const best = Math.min(before, ...pairsOf(problem.mask[0], inputs).map(([u, p]) => errorOfPair(problem, 0, u, p, fitted)));
      // With one candidate of each kind, every round makes one swap.
      const states: number[] = [];
      for (let steps = 1; steps <= 3; steps++) {
        const { mask, values, lowered } = await exactSwaps(requestOf(problem, { fitted, rounds: steps, candidates: 1 }));
        states.push(errorOf(problem, 0, [...values], [...mask]));
        expect(before - lowered[0]).toBeCloseTo(states.at(-1)!, 4);
      }
      for (const [i, error] of states.entries()) expect(error).toBeLessThanOrEqual((i === 0 ? before : states[i - 1]) + 1e-9);
      const all = await exactSwaps(requestOf(problem, { fitted, rounds: 1 }));
      const after = errorOf(problem, 0, [...all.values], [...all.mask]);
      expect(after).toBeLessThanOrEqual(best + 1e-4 * (1 + before));
      if (all.swaps === 0) expect(best).toBeGreaterThanOrEqual(before - 1e-4 * (1 + before));
    }), { numRuns: 300 });
  });

  it('finds the best pair of a brute-force search, and stops if none helps', async () => {
    let swapped = 0;
    await fc.assert(fc.asyncProperty(problems(1), async (problem) => {
      const inputs = problem.values[0].length;
      let [mask, values] = [problem.mask[0], problem.values[0]];
      const { mask: end, values: last } = await exactSwaps(requestOf(problem, { fitted }));
      const most = Math.max(...[1, 0].map((bit) => mask.filter((other) => other === bit).length));
      // The same descent by brute force. Cases in which two pairs are nearly as good are skipped, because rounding decides them.
      for (let step = 0; step < 5 * most; step++) {
        const state = { ...problem, mask: [mask], values: [values] };
        const before = errorOf(state, 0, values, mask);
        const ranked = pairsOf(mask, inputs).map(([u, p]) => ({ u, p, error: errorOfPair(state, 0, u, p, fitted) })).sort((a, b) => a.error - b.error);
        if (ranked.length === 0 || ranked[0].error > before + 1e-9) break;
        if (before - ranked[0].error < 1e-4 || (ranked.length > 1 && ranked[1].error - ranked[0].error < 1e-5)) return;
        swapped++;
        const { u, p } = ranked[0];
        mask = mask.map((bit, i) => (i === u ? 0 : i === p ? 1 : bit));
        if (fitted) values = values.map((value, i) => (i === p ? bestValue(state, u, p) : value));
      }
      expect([...end]).toEqual(mask);
      values.forEach((value, i) => { if (mask[i] === 1) expect(last[i]).toBeCloseTo(value, 3); });
    }), { numRuns: 300 });
    expect(swapped).toBeGreaterThan(100);
  });

  it('takes the individually best weights as candidates', async () => {
    await fc.assert(fc.asyncProperty(problems(1), async (problem) => {
      const [mask, before] = [problem.mask[0], errorOf(problem, 0, problem.values[0], problem.mask[0])];
      // -1: no other weight takes part.
      const alone = (bit: number): { i: number; error: number }[] => mask
        .flatMap((kept, i) => (kept === bit ? [{ i, error: bit === 1 ? errorOfPair(problem, 0, i, -1, false) : errorOfPair(problem, 0, -1, i, fitted) }] : []))
        .sort((a, b) => a.error - b.error);
      const [kept, pruned] = [alone(1), alone(0)];
      if ([kept, pruned].some((ranked) => ranked.length === 0 || (ranked.length > 1 && ranked[1].error - ranked[0].error < 1e-5))) return;
      const gain = before - errorOfPair(problem, 0, kept[0].i, pruned[0].i, fitted);
      if (Math.abs(gain) < 1e-4) return;
      const { mask: after } = await exactSwaps(requestOf(problem, { fitted, rounds: 1, candidates: 1 }));
      expect([...after]).toEqual(mask.map((bit, i) => (gain < 0 ? bit : i === kept[0].i ? 0 : i === pruned[0].i ? 1 : bit)));
    }), { numRuns: 300 });
  });

  it.each(['unstructured', '1:2', '2:4', '4:8'])('keeps the budget of every row and group, and never raises an error, %s', async (text) => {
    const pattern = parsePattern(text);
    const of = pattern.kind === 'N:M' ? pattern.of : 1;
    const keep = pattern.kind === 'N:M' ? pattern.keep : 0;
    await fc.assert(fc.asyncProperty(problems(3, fc.integer({ min: 1, max: 4 }).map((groups) => 2 * of * groups)), fc.integer({ min: 1, max: 3 }), async (drawn, candidates) => {
      const inputs = drawn.values[0].length;
      const mask = keep === 0 ? drawn.mask : drawn.mask.map((row) => row.map((_, i) => Number((i + drawn.x.length) % of < keep)));
      const problem = { ...drawn, mask, pattern };
      const result = await exactSwaps(requestOf(problem, { fitted, candidates }));
      checkPattern({ name: 'w', shape: [3, inputs], mask: result.mask }, pattern);
      const [masks, values] = [rowsOf(result.mask, inputs), rowsOf(result.values, inputs)];
      for (const row of masks.keys()) {
        expect(masks[row].reduce((a, b) => a + b)).toBe(mask[row].reduce((a, b) => a + b));
        const [before, after] = [errorOf(problem, row, problem.values[row], mask[row]), errorOf(problem, row, values[row], masks[row])];
        expect(before - result.lowered[row]).toBeCloseTo(after, 4);
        expect(after).toBeLessThanOrEqual(before + 1e-9);
      }
      if (!fitted) expect(result.values).toEqual(requestOf(problem).values);
    }), { numRuns: 100 });
  });
});

/** The value of p that gives the lowest error once u is gone. */
function bestValue(problem: Problem, u: number, p: number): number {
  const left = problem.x.map((token, t) => problem.y[t][0] - token.reduce((dot, input, i) => dot + (problem.mask[0][i] === 1 && i !== u ? problem.values[0][i] * input : 0), 0));
  const square = problem.x.reduce((sum, token) => sum + token[p] ** 2, 0);
  return square === 0 ? problem.values[0][p] : problem.x.reduce((sum, token, t) => sum + token[p] * left[t], 0) / square;
}

describe('exactSwaps', () => {
  /** Each token has one input, so G is diagonal, and the effect of one weight on the error does not depend on the others. */
  const apart = (wanted: number[], mask: number[], values = wanted): Problem => ({ x: wanted.map((_, i) => wanted.map((__, j) => Number(i === j))), y: wanted.map((value) => [value]), values: [values], mask: [mask] });

  it('gives ties to the lower position, among candidates and pairs', async () => {
    for (const candidates of [1, 2, 48]) {
      for (const fitted of [false, true]) {
        // With any candidates, one of the ones goes and one of the twos comes back; then the next of each.
        const { mask } = await exactSwaps(requestOf(apart([1, 1, 1, 2, 2, 1], [1, 1, 1, 0, 0, 1]), { candidates, fitted, rounds: 1 }));
        expect([...mask]).toEqual(candidates === 1 ? [0, 1, 1, 1, 0, 1] : [0, 0, 1, 1, 1, 1]);
        const equal = await exactSwaps(requestOf(apart([1, 1, 1, 1], [1, 0, 1, 0]), { candidates, fitted }));
        expect(equal).toMatchObject({ swaps: 0, mask: Uint8Array.from([1, 0, 1, 0]) });
      }
    }
  });

  it('finds new candidates in every round', async () => {
    const problem = apart([1, 2, 3, 4, 9, 8, 7, 6], [1, 1, 1, 1, 0, 0, 0, 0]);
    for (let rounds = 1; rounds <= 5; rounds++) {
      const { swaps } = await exactSwaps(requestOf(problem, { rounds, candidates: 1 }));
      expect(swaps).toBe(Math.min(rounds, 4));
    }
    expect([...(await exactSwaps(requestOf(problem, { rounds: 1, candidates: 4 }))).mask]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it('brings a dead input back with its own value, and only in place of a harmful one', async () => {
    for (const fitted of [false, true]) {
      const useful = apart([3, 2], [1, 0]);
      useful.x.forEach((token) => { token[1] = 0; });
      expect(await exactSwaps(requestOf(useful, { fitted }))).toMatchObject({ swaps: 0 });
      const harmful = { ...useful, values: [[-3, 2]] };
      const { mask, values } = await exactSwaps(requestOf(harmful, { fitted, rounds: 1 }));
      expect([[...mask], [...values]]).toEqual([[0, 1], [-3, 2]]);
    }
  });

  it('does nothing in rows that keep all weights or none', async () => {
    for (const mask of [[1, 1, 1], [0, 0, 0]]) expect(await exactSwaps(requestOf(apart([1, -2, 3], mask)))).toMatchObject({ swaps: 0, mask: Uint8Array.from(mask) });
  });

  it.each([
    [{ rounds: 0 }, /rounds is 0/], [{ candidates: 1.5 }, /candidates is 1\.5/], [{ values: new Float32Array(5) }, /numbers/],
    [{ values: Float32Array.from([1, NaN, 1]) }, /values of w: NaN at row 0, column 1/], [{ pattern: parsePattern('2:4') }, /does not fit its 3 inputs/],
  ])('refuses %o', async (wrong, message) => {
    await expect(exactSwaps(requestOf(apart([1, 2, 3], [1, 1, 0]), wrong))).rejects.toThrow(message);
  });
});
