/** A question with its answers' log-likelihoods. */
export interface ScoredDocument {
  /** One an answer, in nats. */
  logLikelihoods: readonly number[];
  /** Characters (Unicode code points) of each answer. */
  lengths: readonly number[];
  /** Index of the right answer. */
  gold: number;
}

/** A share of right answers, and its standard error: none for a single document. */
export interface Accuracy {
  value: number;
  standardError: number | null;
}

/** The answer that the model finds most likely; the first of several. */
export function likeliest({ logLikelihoods }: ScoredDocument): number {
  return firstLargest(logLikelihoods);
}

/** The answer that it finds most likely by character. */
export function likeliestByCharacter({ logLikelihoods, lengths }: ScoredDocument): number {
  return firstLargest(logLikelihoods.map((value, answer) => value / lengths[answer]));
}

function firstLargest(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > values[best] ? index : best), 0);
}

/**
 * Mean of what was right, with the standard error of a mean of samples: `sqrt(sum((x - mean)^2) / (n - 1) / n)`.
 * @param right of every document; at least one
 */
export function accuracy(right: readonly boolean[]): Accuracy {
  const count = right.length;
  const value = right.filter(Boolean).length / count;
  // Of zeros and ones, the sum of squared distances is n * p * (1 - p).
  return { value, standardError: count < 2 ? null : Math.sqrt((value * (1 - value)) / (count - 1)) };
}
