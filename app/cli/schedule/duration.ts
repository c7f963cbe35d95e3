import { CommandLineError } from '../errors.js';

const units: readonly [name: string, milliseconds: number][] = [['d', 86_400e3], ['h', 3_600e3], ['m', 60e3], ['s', 1e3]];
const form = new RegExp(`^${units.map(([name]) => `(?:(\\d{1,9})${name})?`).join('')}$`);

/** Ten years. The server's own limit is somewhat higher. */
const longestMs = 3650 * 86_400e3;

/**
 * Parses a duration such as `90s`, `6h` or `1h30m` into milliseconds: whole numbers of d, h, m and s, in that order, with a sum above 0.
 * @throws CommandLineError, which names `option`
 */
export function parseDuration(text: string, option: string): number {
  const counts = form.exec(text)?.slice(1) as (string | undefined)[] | undefined;
  const total = counts?.reduce((sum, count, index) => sum + Number(count ?? 0) * units[index][1], 0) ?? 0;
  if (total > 0 && total <= longestMs) return total;
  throw new CommandLineError({
    what: `${option} ${text} is not a duration`,
    expected: `whole days, hours, minutes and seconds in that order, more than 0s and at most ${durationText(longestMs)}`,
    remedy: 'For example 30s, 6h or 1h30m',
  });
}

/** Formats a duration as {@link parseDuration} reads it: `6h`, `1h30m`, `10s`. Fractions of a second are dropped. */
export function durationText(milliseconds: number): string {
  let rest = milliseconds;
  const parts = units.map(([name, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? '' : `${count}${name}`;
  });
  return parts.join('') || '0s';
}
