/** One speed: how much a call of `work` does. */
export interface Probe {
  amount: number;
  work: () => Promise<unknown>;
}

export interface BurstOptions {
  /** Bursts of every probe. */
  rounds: number;
  /** Seconds that a burst takes at least. */
  seconds: number;
  /** Seconds on a clock. */
  now: () => number;
}

/** Short, so that one of them finds the machine undisturbed, and spread over the seconds that the measurement takes. */
export const burstDefaults: BurstOptions = { rounds: 6, seconds: 0.04, now: () => performance.now() / 1000 };

/**
 * Amount of work a second by name: the best of several short bursts, after one call to warm up. The bursts of all probes take turns.
 * Other work on the machine only ever makes a burst slower, so the best one is the nearest to the truth.
 */
export async function bestRates<Name extends string>(probes: Record<Name, Probe>, { rounds, seconds, now } = burstDefaults): Promise<Record<Name, number>> {
  const names = Object.keys(probes) as Name[];
  const best = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  for (const name of names) await probes[name].work();
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const { amount, work } = probes[name];
      const started = now();
      let calls = 0;
      do {
        await work();
        calls++;
      } while (now() - started < seconds);
      best[name] = Math.max(best[name], (amount * calls) / (now() - started));
    }
  }
  return best;
}
