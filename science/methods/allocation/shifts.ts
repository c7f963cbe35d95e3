/** Ways from scores to shifts: numbers in [-1, 1] a linear whose mean, weighted by size, is 0. */
import type { LinearScore } from './method.js';

/**
 * Sparsity falls linearly with the score, and the linear that is farthest from the mean lies on its end of the interval. The
 * mean is weighted by size, because layers and linears differ in it. The code of OWL and DLP stretches the scores to the whole
 * interval and then centres them, so that one layer that stands out leaves it.
 */
export function byValue(linears: readonly LinearScore[]): number[] {
  // In any unit, be it denormal.
  const unit = Math.max(...linears.map(({ score }) => Math.abs(score))) || 1;
  const scores = linears.map(({ score }) => score / unit);
  const mean = linears.reduce((sum, { size }, i) => sum + size * scores[i], 0) / totalSize(linears);
  const farthest = Math.max(...scores.map((score) => Math.abs(score - mean)));
  return scores.map((score) => (farthest === 0 ? 0 : (mean - score) / farthest));
}

/**
 * Sparsity falls linearly with the rank of the score (Shao et al. 2024, algorithm 1). There every linear is one rank wide; here
 * it is as wide as it has weights, without which linears of different sizes would miss the total. Equal scores share their
 * middle.
 */
export function byRank(linears: readonly LinearScore[]): number[] {
  const total = totalSize(linears);
  return linears.map(({ score }) => {
    let below = 0;
    let above = 0;
    for (const other of linears) {
      if (other.score < score) below += other.size;
      else if (other.score > score) above += other.size;
    }
    return (above - below) / total;
  });
}

export function totalSize(linears: readonly Pick<LinearScore, 'size'>[]): number {
  return linears.reduce((sum, { size }) => sum + size, 0);
}
