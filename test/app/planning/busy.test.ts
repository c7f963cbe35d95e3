import { describe, expect, it } from 'vitest';
import { otherLoad, otherWork, processorTimes } from '../../../app/planning/busy.js';

const stat = (user: number, idle: number, steal: number): string => `cpu  ${user} 0 0 ${idle} 0 0 0 ${steal} 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5\n`;

describe('a busy machine', () => {
  it.each([
    ['nothing else runs', stat(500, 500, 0), 5, undefined],
    ['the kernel does a little work', stat(550, 450, 0), 5, undefined],
    ['others run', stat(900, 100, 0), 5, 'other processes took 40 % of its processors'],
    ['the hypervisor takes some', stat(500, 200, 300), 5, 'other virtual machines took 30 % of its processors'],
    ['everything is our own work', stat(1000, 0, 0), 10, undefined],
  ])('%s', (_, after, own, expected) => {
    expect(otherWork(processorTimes(stat(0, 0, 0)), processorTimes(after), own)).toBe(expected);
  });

  it('is detected by its load if the kernel does not count', () => {
    expect(processorTimes('')).toBeUndefined();
    expect(processorTimes('cpu  a b\n')).toBeUndefined();
    expect(otherWork(undefined, undefined, 1)).toBeUndefined();
    expect(otherLoad([0.3, 0, 0], 2)).toBeUndefined();
    expect(otherLoad([5.25, 0, 0], 2)).toBe('its load was 5.3 with 2 processors');
  });
});
