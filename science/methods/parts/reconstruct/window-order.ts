/**
 * Returns an order of `count` windows by a Fisher-Yates shuffle. It differs between epochs and is the same for the same arguments.
 * Random numbers come from Marsaglia's 32-bit xorshift generator (2003), which is good enough to shuffle windows.
 *
 * @param epoch counts from 0
 * @returns each of 0 to count - 1 once
 */
export function windowOrder(count: number, epoch: number): number[] {
  const random = xorshift(0x9e3779b1 ^ Math.imul(epoch + 1, 0x85ebca6b));
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** Returns a generator of numbers in [0, 1). */
function xorshift(seed: number): () => number {
  // From zero the generator would return only zeros.
  let state = seed === 0 ? 1 : seed;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  // The first numbers of similar seeds are similar.
  for (let skipped = 0; skipped < 8; skipped++) next();
  return next;
}
