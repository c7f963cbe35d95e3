/** The point to try next, or the answer: the last point of the grid that passes, or null if not even the first one passes. */
export type NextPoint = { point: number } | { answer: number | null };

/**
 * Finds the last point of a grid that passes, if all points up to some place pass and none after it. It tries the two ends first,
 * and then the middle between the last that passed and the first that did not. It depends only on the points that were tried.
 * @param count number of points, at least 1; the first one is the most likely to pass
 * @param passed results of the points that were tried
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

/** The largest number of points that a search tries: both ends, and one for every time that the points between them are halved. */
export const maxTried = (count: number): number => (count <= 2 ? count : 2 + Math.ceil(Math.log2(count - 1)));
