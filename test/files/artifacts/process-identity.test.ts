import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { identify, isAlive, isOfThisMachine, thisMachine } from '../../../files/artifacts/index.js';

it('identifies a process by its machine and its start time', () => {
  const own = identify(process.pid);
  expect(isAlive(own)).toBe(true);
  expect(isOfThisMachine(own)).toBe(true);
  // The same id and start time on a clone, whose kernel has a different random id.
  const clone = { ...own, machine: thisMachine().replace(/[0-9a-f]{8}-/, '00000000-') };
  expect(isOfThisMachine(clone)).toBe(false);
  expect(isAlive(clone)).toBe(false);
  const { pid } = spawnSync(process.execPath, ['--version']);
  expect(isAlive({ ...own, pid })).toBe(false);
});

it('takes old records without a machine as records of this machine', () => {
  const { pid, started } = identify(process.pid);
  expect(isAlive(started === undefined ? { pid } : { pid, started })).toBe(true);
});

it.runIf(process.platform === 'linux')('identifies a machine by its name and its boot id', () => {
  expect(thisMachine()).toContain(hostname());
  expect(thisMachine()).toContain(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
});
