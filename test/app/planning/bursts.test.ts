import { expect, it } from 'vitest';
import { bestRates } from '../../../app/planning/bursts.js';

/** A machine with its own clock, on which other programs slow everything down in some rounds. */
function machine(slownessOf: (time: number) => number) {
  let time = 0;
  const order: string[] = [];
  const probe = (name: string, seconds: number) => ({
    amount: 10,
    work: () => {
      order.push(name);
      time += seconds * slownessOf(time);
      return Promise.resolve();
    },
  });
  return { now: () => time, order, probes: { fast: probe('fast', 0.01), slow: probe('slow', 1) } };
}
const options = { rounds: 4, seconds: 0.05 };

it('takes the speed of the best burst, even if other work runs most of the time', async () => {
  const { now, probes } = machine((time) => (time > 40 && time < 45 ? 1 : 20));
  const rates = await bestRates(probes, { ...options, now });
  expect(rates.slow).toBeCloseTo(10, 6);
  expect(rates.fast).toBeGreaterThan(10 / 0.01 / 21);
  const quiet = machine(() => 1);
  expect(await bestRates(quiet.probes, { ...options, now: quiet.now })).toEqual({ fast: expect.closeTo(1000, 6) as number, slow: expect.closeTo(10, 6) as number });
});

it('alternates the bursts of all speeds, so that no speed is measured only in a busy moment', async () => {
  const { now, order, probes } = machine(() => 1);
  await bestRates(probes, { ...options, now });
  const turns = order.slice(2).filter((name, i, all) => name !== all[i - 1]);
  expect(turns).toEqual(Array.from({ length: options.rounds }, () => ['fast', 'slow']).flat());
});
