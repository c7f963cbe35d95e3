import { CommandLineError } from '../errors.js';

const milliseconds: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/**
 * Milliseconds of a duration such as `90s`, `6h` or `1h30m`.
 * @throws CommandLineError, which names `option`
 */
export function parseDuration(text: string, option: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * milliseconds[unit], 0);
  if (parts.map(([part]) => part).join('') !== text || total <= 0) {
    throw new CommandLineError({ what: `${option} ${text} is no duration`, expected: 'numbers with s, m, h or d, more than 0', remedy: 'For instance 30s, 6h or 1h30m' });
  }
  return total;
}

/** `6h`, `1h30m`, `10s`: what {@link parseDuration} reads; parts of a second are dropped. */
export function durationText(total: number): string {
  let rest = Math.floor(total / 1e3) * 1e3;
  const parts = Object.entries(milliseconds).reverse().map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? '' : `${count}${unit}`;
  });
  return parts.join('') || '0s';
}
