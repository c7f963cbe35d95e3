import type { Pipeline } from '../config/pipeline.js';

/**
 * The cost of seconds of work, from the price of an hour, such as `1.25 USD`; undefined if the pipeline has no price. Small sums keep two
 * digits.
 */
export function moneyText(seconds: number, { cost }: Pick<Pipeline, 'cost'>): string | undefined {
  if (cost === undefined) return undefined;
  const sum = (seconds / 3600) * cost.perHour;
  const amount = sum === 0 || sum >= 0.1 ? sum.toFixed(2) : String(Number(sum.toPrecision(2)));
  return `${amount} ${cost.currency}`;
}
