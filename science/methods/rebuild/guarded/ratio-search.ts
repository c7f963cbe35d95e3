export interface RatioTrial {
  ratio: number;
  error: number;
}

export interface RatioSearch {
  /** Ratios that may be tried, descending. */
  ladder: readonly number[];
  /** Where on the ladder to begin. */
  start: number;
  /** The error that a trial has to beat. */
  error: number;
  /** Where the second trial goes if the first lowers the error: -1 to the larger neighbour, 1 to the smaller. */
  towards: -1 | 1;
  /** Called before each trial. Returns whether it is possible. */
  mayTry: (ratio: number) => boolean;
  attempt: (ratio: number) => Promise<number>;
}

/** Rungs in one step down from a ratio that raises the error (two: a quarter of the ratio on the default ladder), and number of such steps. */
const stepBack = 2;
const stepsBack = 2;
/** Maximum number of trials that change the masks. */
export const maxTrials = 1 + stepsBack;

/**
 * Searches for a ratio with few trials. The first trial is where the last round ended. If it helps, one neighbour is tried. If not,
 * much smaller ratios are tried, since fewer swaps may help where many do harm. A ratio that is too small for a single swap leaves
 * the error exactly the same; then larger ratios are tried.
 *
 * @returns all trials in their order
 */
export async function searchRatio({ ladder, start, error, towards, mayTry, attempt }: RatioSearch): Promise<RatioTrial[]> {
  const trials: RatioTrial[] = [];
  const at = async (rung: number): Promise<number | undefined> => {
    if (rung < 0 || rung >= ladder.length || !mayTry(ladder[rung])) return undefined;
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

/**
 * Returns the ratios that a search may try, so that all of their errors can be measured at once.
 * @param trials maximum number of trials that change the masks
 * @param isSwap whether a ratio changes the masks. If not, the error is the same
 */
export function ratiosWithin({ ladder, start, towards }: Pick<RatioSearch, 'ladder' | 'start' | 'towards'>, trials: number, isSwap: (ratio: number) => boolean): number[] {
  const rungs = [start];
  while (rungs[0] > 0 && !isSwap(ladder[rungs[0]])) rungs.unshift(rungs[0] - 1);
  const [first] = rungs;
  if (trials > 1) rungs.push(first + towards, first + stepBack);
  const second = ladder.at(first + stepBack);
  // A second trial that changes nothing costs nothing.
  if (trials > 2 || (trials === 2 && second !== undefined && !isSwap(second))) rungs.push(first + stepsBack * stepBack);
  return [...new Set(rungs)].filter((rung) => rung >= 0 && rung < ladder.length).map((rung) => ladder[rung]);
}
