/**
 * ADMM as the papers write it, for small sizes: in float64 arrays, with separate B, Z and V, an inverse by Gauss-Jordan for each rho,
 * and the normal equations of each row's support at the end.
 */
import type { AdmmBudget } from '../../../../science/methods/index.js';
import { inverse } from '../initial/sparsegpt/sparsegpt-oracle.js';

export type Matrix = number[][];

export interface Problem {
  /** Tokens, `[tokens, in]`. */
  x: Matrix;
  /** Target outputs for them, `[tokens, out]`. */
  y: Matrix;
  start: Matrix;
  damping: number;
}

export interface OracleResult {
  mask: number[];
  weight: number[];
}

export const product = (a: Matrix, b: Matrix): Matrix => a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
export const transposed = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));

/** A and T of the damped problem. W A = T is its minimum if no weight is pruned. */
export function damped({ x, y, start, damping }: Problem): { a: Matrix; t: Matrix } {
  const h = product(transposed(x), x);
  const alive = h.filter((row, i) => row[i] > 0).length;
  const ridge = (damping * h.reduce((sum, row, i) => sum + row[i], 0)) / Math.max(1, alive);
  const t = product(transposed(y), x).map((row, o) => row.map((value, i) => value + (h[i][i] > 0 ? ridge * start[o][i] : 0)));
  return { a: h.map((row, i) => row.map((value, j) => value + (i === j ? (h[i][i] > 0 ? ridge : 1) : 0))), t };
}

export function admmOracle(problem: Problem, budget: AdmmBudget, iterations = 30): OracleResult {
  const original = damped(problem);
  const scale = original.a.map((row, i) => Math.sqrt(row[i]));
  const a = original.a.map((row, i) => row.map((value, j) => value / (scale[i] * scale[j])));
  const t = original.t.map((row) => row.map((value, j) => value / scale[j]));
  const dead = problem.x[0].map((_, i) => problem.x.every((token) => token[i] === 0));
  let z = problem.start.map((row) => row.map((value, j) => (dead[j] ? 0 : value * scale[j])));
  let v = z.map((row) => row.map(() => 0));
  let kept: number[] = [];
  let rho = 0.1;
  for (let step = 1; step <= iterations; step++) {
    if (step > 1 && (step - 1) % Math.ceil(iterations / 10) === 0) rho *= 1.3;
    const inverted = inverse(a.map((row, i) => row.map((value, j) => value + (i === j ? rho : 0))));
    const b = product(t.map((row, i) => row.map((value, j) => value - v[i][j] + rho * z[i][j])), inverted);
    const s = b.map((row, i) => row.map((value, j) => value + v[i][j] / rho));
    const progress = Math.min(1, step / Math.floor(iterations / 2));
    kept = best(s, budget, 1 - (1 - progress) ** 3);
    const left = 'keep' in budget ? 1 - progress : 0;
    z = s.map((row, i) => row.map((value, j) => value * (kept[i * row.length + j] === 1 ? 1 : left)));
    v = v.map((row, i) => row.map((value, j) => value + rho * (b[i][j] - z[i][j])));
  }
  return { mask: kept, weight: original.t.flatMap((row, i) => onSupport(original.a, row, kept.slice(i * row.length, (i + 1) * row.length))) };
}

/** Returns the best mask, 1 = kept. */
function best(s: Matrix, budget: AdmmBudget, share: number): number[] {
  const flat = s.flat();
  const mask = flat.map(() => 1);
  const inputs = s[0].length;
  const prune = (from: number, size: number, count: number): void => {
    const positions = Array.from({ length: size }, (_, i) => from + i).sort((p, q) => Math.abs(flat[p]) - Math.abs(flat[q]) || p - q);
    for (const position of positions.slice(0, count)) mask[position] = 0;
  };
  if ('keep' in budget) for (let from = 0; from < flat.length; from += budget.of) prune(from, budget.of, budget.of - budget.keep);
  else budget.forEach((count, row) => { prune(row * inputs, inputs, Math.floor(count * share)); });
  return mask;
}

/** Returns the minimum of one row on its support, by the normal equations. */
export function onSupport(a: Matrix, t: readonly number[], kept: readonly number[]): number[] {
  const support = [...kept.keys()].filter((j) => kept[j] === 1);
  const weight = t.map(() => 0);
  if (support.length === 0) return weight;
  const inverted = inverse(support.map((i) => support.map((j) => a[i][j])));
  support.forEach((i, k) => { weight[i] = support.reduce((sum, j, l) => sum + inverted[k][l] * t[j], 0); });
  return weight;
}

/** The loss of the damped problem up to a constant: `sum_rows w A w - 2 t w`. */
export function loss(problem: Problem, weight: readonly number[]): number {
  const { a, t } = damped(problem);
  const inputs = a.length;
  return t.reduce((sum, row, o) => {
    const w = weight.slice(o * inputs, (o + 1) * inputs);
    return sum + w.reduce((all, value, i) => all + value * (a[i].reduce((dot, entry, j) => dot + entry * w[j], 0) - 2 * row[i]), 0);
  }, 0);
}
