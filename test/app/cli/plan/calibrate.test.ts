/** The machine's speeds are measured until the numbers are right, and no longer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { calibratedMachine } from '../../../../app/cli/plan/calibrate.js';
import { engineText } from '../../../../science/engine/index.js';
import { assumedMachine, processorName, secondsOf, type Machine, type Measurement } from '../../../../app/planning/index.js';
import { noWork } from '../../../../science/cost/work.js';
import { cpuEngine } from '../../planning/llama7b.js';

let state: string;
let said: string[];
/** Results of the next measurements. */
let found: Machine[];
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'calibrate-'));
  [said, found] = [[], []];
});
afterEach(() => rmSync(state, { recursive: true }));

let count = 0;
const machine = (gigaflops: number, more: Partial<Machine> = {}): Machine => {
  const assumed = assumedMachine(cpuEngine);
  return { ...assumed, origin: `measured ${count++}`, speeds: { ...assumed.speeds, flops: gigaflops * 1e9 }, ...more };
};

async function plan(measurements: Measurement[] = []): Promise<Machine> {
  const measure = (): Promise<Machine> => {
    const next = found.shift();
    return next === undefined ? Promise.reject(new Error('the machine was measured more often than expected')) : Promise.resolve(next);
  };
  const planned = await calibratedMachine({ state, engine: { backend: 'tensorflow' }, renew: false, measurements, measure, say: (line) => said.push(line) });
  expect(found).toEqual([]);
  return planned;
}

/** Finished units of work that took as long as a machine of that speed needs. */
function units(gigaflops: number, number = 6): Measurement[] {
  const work = { ...noWork, flops: 1e12 };
  const seconds = secondsOf(work, machine(gigaflops));
  return Array.from({ length: number }, () => ({
    at: '', kind: 'rebuild published', engine: engineText(cpuEngine), machine: 'assumed', processor: processorName(), work, predicted: { seconds: 5, bytes: 1 }, measured: { seconds, bytes: 1 },
  }));
}

it('measures an idle machine once', async () => {
  found = [machine(150)];
  expect((await plan()).speeds.flops).toBe(150e9);
  expect((await plan(units(140))).speeds.flops).toBe(150e9);
  expect(said).toEqual(['Measuring this machine ...']);
});

it('reports a busy machine, measures it again for the next plan, and keeps the better speeds', async () => {
  found = [machine(8, { busy: 'other processes took 95 % of its processors' })];
  expect((await plan()).speeds.flops).toBe(8e9);
  expect(said[1]).toMatch(/^Warning: this machine is busy \(other processes took 95 % of its processors\)/);
  found = [machine(5, { busy: 'still' })];
  expect((await plan()).speeds.flops).toBe(8e9);
  found = [machine(150)];
  expect((await plan()).speeds.flops).toBe(150e9);
  expect((await plan()).busy).toBeUndefined();
});

it('measures again if runs contradict the speeds', async () => {
  found = [machine(8)];
  await plan();
  // Too few units to tell.
  await plan(units(150, 2));
  found = [machine(150)];
  expect((await plan(units(150))).speeds.flops).toBe(150e9);
  expect(said.at(-1)).toMatch(/^Measuring this machine again, because runs did not take the predicted time/);
  expect((await plan(units(150))).speeds.flops).toBe(150e9);
});

it('does so only once if the machine is as fast as before', async () => {
  found = [machine(150)];
  await plan();
  found = [machine(160)];
  expect(await plan(units(20))).toMatchObject({ confirmed: true });
  await plan(units(20));
});
