/** A speed to measure, and how much one call of `work` does. */
export interface Probe {
  amount: number;
  work: () => Promise<unknown>;
}

export interface BurstOptions {
  /** Number of bursts of every probe. */
  rounds: number;
  /** Minimum duration of a burst, in seconds. */
  seconds: number;
  /** Returns the time in seconds. */
  now: () => number;
}

/** Bursts are short, so that at least one finds the machine undisturbed, and are spread over the whole measurement. */
export const burstDefaults: BurstOptions = { rounds: 6, seconds: 0.04, now: () => performance.now() / 1000 };

/**
 * Returns the amount of work per second by name: the best of several short bursts, after one call to warm up. The probes take turns. Other
 * work on the machine can only slow a burst down, so the best one is nearest to the truth.
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
