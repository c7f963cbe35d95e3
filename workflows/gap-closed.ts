/**
 * Share of the log-perplexity gap between the dense and the initial model that the rebuild closed:
 * `1 - ln(rebuilt / dense) / ln(initial / dense)`. 1 = as good as dense, 0 = no better than the initial mask, below 0 = worse.
 * Undefined if a perplexity is missing or the initial model is not worse than the dense one, so that there is no gap.
 */
export function gapClosed(dense?: number, initial?: number, rebuilt?: number): number | undefined {
  if (dense === undefined || initial === undefined || rebuilt === undefined || !(initial > dense)) return undefined;
  return 1 - Math.log(rebuilt / dense) / Math.log(initial / dense);
}
