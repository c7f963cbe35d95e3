import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandLineError } from '../../../../app/cli/errors.js';
import { durationText, parseDuration } from '../../../../app/cli/schedule/duration.js';
import { parseTime } from '../../../../app/cli/schedule/time.js';
import { overlapName, overlapPolicies, parseTiming, type OverlapName } from '../../../../app/cli/schedule/timing.js';

describe('durations', () => {
  it.each([
    ['45s', 45_000],
    ['90m', 5_400_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1d2h3m4s', 93_784_000],
  ])('%s is %i ms', (text, milliseconds) => expect(parseDuration(text, '--every')).toBe(milliseconds));

  it.each(['', '5', 'x', '-5s', '1.5h', '5 s', '30m1h', '1h1h', '0s', '3651d', '5w', '1e3s'])('"%s" is refused with the name of the option', (text) => {
    expect(() => parseDuration(text, '--jitter')).toThrow(CommandLineError);
    expect(() => parseDuration(text, '--jitter')).toThrow('--jitter');
  });

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3650 * 86_400 }), (seconds) => {
        const text = durationText(seconds * 1000);
        expect(parseDuration(text, '--every')).toBe(seconds * 1000);
        expect(text).toMatch(/^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$/);
        for (const [unit, limit] of [['h', 24], ['m', 60], ['s', 60]] as const) expect(Number(new RegExp(`(\\d+)${unit}`).exec(text)?.[1] ?? 0)).toBeLessThan(limit);
      }),
    );
  });

  it('are the sum of their parts, however large they are', () => {
    fc.assert(
      fc.property(fc.nat(999), fc.nat(9_999), fc.nat(9_999), fc.integer({ min: 1, max: 9_999 }), (d, h, m, s) => {
        expect(parseDuration(`${d}d${h}h${m}m${s}s`, '--every')).toBe(((d * 24 + h) * 60 + m) * 60_000 + s * 1000);
      }),
    );
  });

  it('are refused for any other text, and never become a number', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9smhd.\- ]{0,8}$/)), (text) => {
        fc.pre(!/^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$/.test(text) || !/[1-9]/.test(text));
        expect(() => parseDuration(text, '--every')).toThrow(CommandLineError);
      }),
    );
  });
});

describe('times', () => {
  it('do not depend on the time zone of the machine', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        expect(parseTime(date.toISOString(), '--from')).toEqual(date);
        expect(parseTime(date.toISOString().slice(0, 10), '--from')).toEqual(new Date(Math.floor(date.getTime() / 86_400e3) * 86_400e3));
      }),
    );
    expect(parseTime('2026-01-31T03:00+01:00', '--from').toISOString()).toBe('2026-01-31T02:00:00.000Z');
    expect(parseTime('2028-02-29', '--from').toISOString()).toBe('2028-02-29T00:00:00.000Z');
  });

  it.each(['', 'yesterday', '2026', '2026-02-29', '2026-02-31T00:00:00Z', '2026-13-01', '2026-01-00', '2026-01-31T25:00:00Z', '2026-01-31T03:00:00', '31.1.2026'])(
    '"%s" is refused: no such day, or no time zone',
    (text) => expect(() => parseTime(text, '--from')).toThrow(CommandLineError),
  );
});

describe('the timing of a schedule', () => {
  const rest = { overlap: 'skip' as OverlapName, pauseOnFailure: false };

  it('has the given values in the form of the server', () => {
    expect(parseTiming({ ...rest, every: '90m', jitter: '5m', catchUp: '1h', overlap: 'buffer-one', pauseOnFailure: true })).toEqual({
      spec: { intervals: [{ every: 5_400_000 }], jitter: 300_000 },
      policies: { overlap: 'BUFFER_ONE', catchupWindow: 3_600_000, pauseOnFailure: true },
      times: 'every 1h30m',
    });
    expect(parseTiming({ ...rest, cron: '0 3 * * *', timeZone: 'Europe/Berlin' })).toMatchObject({
      spec: { cronExpressions: ['0 3 * * *'], timezone: 'Europe/Berlin' },
      times: 'cron 0 3 * * *, Europe/Berlin',
    });
  });

  it.each([
    ['neither --cron nor --every', {}],
    ['both given', { cron: '0 3 * * *', every: '1h' }],
    ['--time-zone', { every: '1h', timeZone: 'Europe/Berlin' }],
    ['--every', { every: 'often' }],
    ['--jitter', { every: '1h', jitter: 'a bit' }],
    ['--catch-up', { every: '1h', catchUp: '9s' }],
  ])('is refused: %s', (message, given) => expect(() => parseTiming({ ...rest, ...given })).toThrow(message));

  it('has a one-to-one name for every overlap policy', () => {
    for (const [name, policy] of Object.entries(overlapPolicies)) expect(overlapName(policy)).toBe(name);
  });
});
