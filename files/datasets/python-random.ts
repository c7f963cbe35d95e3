/**
 * Python's `random.Random(seed)`: the Mersenne Twister MT19937 (Matsumoto, Nishimura 1998), seeded by an array as in CPython, so that
 * windows are the same as in the published scripts.
 */
export class PythonRandom {
  private readonly state = new Uint32Array(624);
  private next = 624;

  /** @param seed an integer in [0, 2^32) */
  constructor(seed: number) {
    const { state } = this;
    const size = state.length;
    state[0] = 19650218;
    for (let i = 1; i < size; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    let i = 1;
    const step = (): void => {
      i++;
      if (i < size) return;
      state[0] = state[size - 1];
      i = 1;
    };
    // The key array has one word, the seed.
    for (let round = 0; round < size; round++) {
      state[i] = (state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1664525)) + seed;
      step();
    }
    for (let round = 1; round < size; round++) {
      state[i] = (state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1566083941)) - i;
      step();
    }
    state[0] = 0x80000000;
  }

  /** 32 random bits. */
  word(): number {
    if (this.next === this.state.length) this.twist();
    let y = this.state[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** `randint(low, high)`: an integer in [low, high]; high - low must be below 2^32 - 1. @throws RangeError if the range is empty */
  integer(low: number, high: number): number {
    const count = high - low + 1;
    if (count < 1) throw new RangeError(`randint(${low}, ${high}): the range is empty`);
    for (;;) {
      const drawn = candidate(this.word(), count);
      if (drawn < count) return low + drawn;
    }
  }

  private twist(): void {
    const { state } = this;
    const size = state.length;
    for (let i = 0; i < size; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % size] & 0x7fffffff);
      state[i] = state[(i + 397) % size] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }
}

/** The first bits of a word, as many as `count` has. To draw a number below `count`, take words until this is below `count`. */
export function candidate(word: number, count: number): number {
  return word >>> Math.clz32(count);
}
