import { CommandLineError } from '../errors.js';

const form = /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * Parses a moment in ISO 8601: a day (meaning its start, UTC), or a day and a time with Z or an offset.
 * @throws CommandLineError, which names `option`
 */
export function parseTime(text: string, option: string): Date {
  const [, year, month, day] = form.exec(text)?.map(Number) ?? [];
  const time = new Date(text);
  // JavaScript turns day 31 of a shorter month into a day of the next month.
  const exists = day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (exists && !Number.isNaN(time.getTime())) return time;
  throw new CommandLineError({ what: `${option} ${text} is not a time`, expected: 'a day, or a day and a time with Z or an offset, of ISO 8601', remedy: 'For example 2026-01-31 or 2026-01-31T03:00:00Z' });
}
