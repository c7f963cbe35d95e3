/** Which of two numbers is better. */
export type Better = 'less' | 'more';

/**
 * Returns for each point whether it is on the Pareto front: no other point is at least as good in both numbers and better in one. Equal
 * points are on the front together.
 */
export function paretoFront(points: readonly (readonly [number, number])[], better: readonly [Better, Better]): boolean[] {
  const signs = better.map((one) => (one === 'less' ? 1 : -1));
  const order = points.map(([a, b], index) => ({ a: signs[0] * a, b: signs[1] * b, index })).sort((one, other) => one.a - other.a || one.b - other.b);
  const front = new Array<boolean>(points.length).fill(false);
  let last = { a: Infinity, b: Infinity };
  for (const { a, b, index } of order) {
    front[index] = b < last.b || (b === last.b && a === last.a);
    if (front[index]) last = { a, b };
  }
  return front;
}
