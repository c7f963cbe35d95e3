/** Formats numbers for people, both in reports and on the terminal. Nothing here depends on the locale. */

/** Four significant digits: `6.842`, `0.0001235`, `1.235e-7`; always all digits before the point. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const text = value.toPrecision(4);
  const size = Math.abs(Number(text));
  if (size >= 1000 && size < 1e9) return formatInteger(Math.round(value));
  return size !== 0 && size < 1e-4 ? Number(text).toExponential() : String(Number(text));
}

/** An integer with separated thousands: `226,560`. */
export function formatInteger(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A share in percent, with at most six digits, enough to tell it from the requested one: `50 %`, `49.9996 %`. */
export function formatPercent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}

/** A change from `before` to `after` in percent, with its sign: `-63 %`. */
export function formatChange(before: number, after: number): string {
  if (before === 0) return after === 0 ? '0 %' : 'new';
  const part = ((after - before) / before) * 100;
  return `${part > 0 ? '+' : ''}${Number(part.toPrecision(2)) || 0} %`;
}

/** Seconds of work: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 1440)} days`;
}

/** A number of things: `1 piece`, `2,048 pieces`. */
export function pluralize(count: number, thing: string): string {
  return `${formatInteger(count)} ${thing}${count === 1 ? '' : 's'}`;
}
