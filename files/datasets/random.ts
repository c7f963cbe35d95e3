const bits64 = (1n << 64n) - 1n;

/**
 * SplitMix64 (Steele, Lea, Flood 2014): a sequence of 64-bit numbers that is the same on every machine.
 * A counter advances by an odd constant derived from the golden ratio, and its bits are mixed.
 */
export function* splitMix64(seed: number): Generator<bigint, never> {
  let state = BigInt(seed) & bits64;
  for (;;) {
    state = (state + 0x9e3779b97f4a7c15n) & bits64;
    let mixed = state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & bits64;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & bits64;
    yield mixed ^ (mixed >> 31n);
  }
}

/**
 * Draws integers uniformly from [0, bound), up to a bias of bound / 2^64.
 *
 * @param seed an integer
 */
export function* uniformIntegers(seed: number, bound: number): Generator<number, never> {
  const numbers = splitMix64(seed);
  for (;;) yield Number((numbers.next().value * BigInt(bound)) >> 64n);
}
