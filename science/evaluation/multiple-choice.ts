/** A question with the log-likelihoods of its answers. */
export interface ScoredDocument {
  /** One per answer, in nats. */
  logLikelihoods: readonly number[];
  /** Characters (Unicode code points) of each answer. */
  lengths: readonly number[];
  /** Index of the right answer. */
  gold: number;
}

/** The share of right answers, and its standard error (null for a single document). */
export interface Accuracy {
  value: number;
  standardError: number | null;
}

/** Returns the index of the most likely answer. Ties go to the lower index. */
export function likeliest({ logLikelihoods }: ScoredDocument): number {
  return firstLargest(logLikelihoods);
}

/** Returns the index of the answer with the highest log-likelihood per character. Ties go to the lower index. */
export function likeliestByCharacter({ logLikelihoods, lengths }: ScoredDocument): number {
  return firstLargest(logLikelihoods.map((value, answer) => value / lengths[answer]));
}

function firstLargest(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > values[best] ? index : best), 0);
}

/**
 * Returns the share of right answers with the standard error of a sample mean: `sqrt(sum((x - mean)^2) / (n - 1) / n)`.
 * @param right one value per document; at least one
 */
export function accuracy(right: readonly boolean[]): Accuracy {
  const count = right.length;
  const value = right.filter(Boolean).length / count;
  // For zeros and ones with mean p, sum((x - mean)^2) is n * p * (1 - p).
  return { value, standardError: count < 2 ? null : Math.sqrt((value * (1 - value)) / (count - 1)) };
}
