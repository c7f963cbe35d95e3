/** What to try next, or what was found: the last point of the grid that passes, or null if not even the first one does. */
export type NextPoint = { point: number } | { answer: number | null };

/**
 * Finds the last point of a grid that passes, if points pass up to some place and none after it: the two ends first, then the middle
 * between the last that passed and the first that did not. It depends on nothing but what was tried.
 * @param count points of the grid, at least 1; the first one is the likeliest to pass
 * @param passed of the points that were tried
 */
export function nextPoint(count: number, passed: ReadonlyMap<number, boolean>): NextPoint {
  const last = count - 1;
  for (const end of [0, last]) {
    const found = passed.get(end);
    if (found === undefined) return { point: end };
    if (end === 0 && !found) return { answer: null };
    if (end === last && found) return { answer: last };
  }
  const indices = [...passed.keys()];
  const low = Math.max(...indices.filter((index) => passed.get(index) === true));
  const high = Math.min(...indices.filter((index) => passed.get(index) === false));
  return high - low <= 1 ? { answer: low } : { point: Math.floor((low + high) / 2) };
}

/** The most points that a search of a grid tries: both ends, and one for every time that what is between them is halved. */
export const mostTried = (count: number): number => (count <= 2 ? count : 2 + Math.ceil(Math.log2(count - 1)));
