/**
 * A seeded source of choices that also sums up how surprising they were. A text made from them therefore has a known entropy: the
 * lowest loss that any model can reach on it, as long as each text can be made in only one way.
 */
export class Chooser {
  /** Sum of `ln(number of options)` over all choices so far, in nats. */
  surprisal = 0;

  constructor(private state: number) {}

  /** Picks one of the options. All are equally likely. */
  pick<T>(options: readonly T[]): T {
    this.surprisal += Math.log(options.length);
    return options[Math.floor(this.uniform() * options.length)];
  }

  /** Picks several different options, in random order. */
  sample<T>(options: readonly T[], count: number): T[] {
    const left = [...options];
    return Array.from({ length: count }, () => {
      const choice = this.pick(left);
      left.splice(left.indexOf(choice), 1);
      return choice;
    });
  }

  /** Returns a number in [0, 1) from a 32-bit Weyl sequence whose terms are mixed twice (the mulberry32 generator). */
  uniform(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
