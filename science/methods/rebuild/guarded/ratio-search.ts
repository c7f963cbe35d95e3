export interface RatioTrial {
  ratio: number;
  error: number;
}

export interface RatioSearch {
  /** Ratios that may be tried, descending. */
  ladder: readonly number[];
  /** Where on the ladder to begin. */
  start: number;
  /** What a trial has to beat. */
  error: number;
  /** Where the second trial goes once the first has beaten it: -1 to the larger neighbour, 1 to the smaller. */
  towards: -1 | 1;
  /** Tells before each trial whether it can be afforded. */
  mayTry: () => boolean;
  attempt: (ratio: number) => Promise<number>;
}

/** How far down the ladder to step back from a ratio that does harm: two rungs, a quarter of it on the default ladder. */
const stepBack = 2;
const stepsBack = 2;

/**
 * Looks for a ratio with few trials: the first where the last round ended; if it helps, one neighbour; if not, much smaller
 * ones, since swaps that hurt together may help when fewer. A ratio that is too small for a single swap leaves the error
 * exactly as it is; then larger ones are tried.
 *
 * @returns all trials in the order they were made
 */
export async function searchRatio({ ladder, start, error, towards, mayTry, attempt }: RatioSearch): Promise<RatioTrial[]> {
  const trials: RatioTrial[] = [];
  const at = async (rung: number): Promise<number | undefined> => {
    if (rung < 0 || rung >= ladder.length || !mayTry()) return undefined;
    const tried = await attempt(ladder[rung]);
    trials.push({ ratio: ladder[rung], error: tried });
    return tried;
  };
  let rung = start;
  let first = await at(rung);
  while (first === error) first = await at(--rung);
  if (first === undefined) return trials;
  if (first < error) {
    await at(rung + towards);
    return trials;
  }
  for (let step = 1; step <= stepsBack; step++) {
    const tried = await at(rung + step * stepBack);
    if (tried === undefined || tried < error) break;
  }
  return trials;
}
