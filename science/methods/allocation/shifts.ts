/** Functions that turn scores into shifts: one number in [-1, 1] per linear. Their mean, weighted by size, is 0. */
import type { LinearScore } from './method.js';

/**
 * Sparsity falls linearly with the score. The linear whose score is farthest from the mean is at an end of the interval. The mean
 * is weighted by size, because layers and linears differ in size. The code of OWL and DLP instead stretches the scores to the
 * whole interval and then centres them, so that a layer that stands out leaves the interval.
 */
export function byValue(linears: readonly LinearScore[]): number[] {
  // Scaled first, so that even denormal scores keep their precision.
  const unit = Math.max(...linears.map(({ score }) => Math.abs(score))) || 1;
  const scores = linears.map(({ score }) => score / unit);
  const mean = linears.reduce((sum, { size }, i) => sum + size * scores[i], 0) / totalSize(linears);
  const farthest = Math.max(...scores.map((score) => Math.abs(score - mean)));
  return scores.map((score) => (farthest === 0 ? 0 : (mean - score) / farthest));
}

/**
 * Sparsity falls linearly with the rank of the score (Shao et al. 2024, algorithm 1). In the paper every linear is one rank wide.
 * Here its width is its number of weights; otherwise linears of different sizes would miss the total. Linears with equal scores
 * get the middle of their ranks.
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
