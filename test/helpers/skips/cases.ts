/** Run by skip-reporter.test.ts in a separate Vitest. */
import { describe, expect, it } from 'vitest';
import { where } from '../needs.js';

const moon = { met: false, reason: 'needs the moon' };
const sun = { met: true, reason: 'needs the sun' };

it('runs', where(sun), () => expect(1).toBe(1));
it.each([1, 2])('is skipped by its options: %i', where(moon, sun), () => expect(1).toBe(2));
describe('a suite', where(moon), () => {
  it('is skipped with its suite', () => expect(1).toBe(2));
});
it('skips itself', ({ skip }) => skip('has seen enough'));
it.skip('gives no reason', () => expect(1).toBe(2));
