import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { identify, isAlive, isOfThisMachine, thisMachine } from '../../../files/artifacts/index.js';

it('a process is one of one machine, at one start of it', () => {
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

it('records of versions before, which name no machine, are of this one', () => {
  const { pid, started } = identify(process.pid);
  expect(isAlive(started === undefined ? { pid } : { pid, started })).toBe(true);
});

it.runIf(process.platform === 'linux')('a machine is known by its name and by the id of its start', () => {
  expect(thisMachine()).toContain(hostname());
  expect(thisMachine()).toContain(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
});
