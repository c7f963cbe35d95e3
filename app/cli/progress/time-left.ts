/** The time left, short enough for a bar: `less than 1 s`, `42 s`, `3:07 min`, `5:20 h`, `3 days`. */
export function timeLeft(seconds: number): string {
  if (seconds < 1) return 'less than 1 s';
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)} min`;
  const minutes = Math.round(whole / 60);
  return minutes < 2880 ? `${Math.floor(minutes / 60)}:${two(minutes % 60)} h` : `${Math.round(minutes / 1440)} days`;
}

/** The same where it is an estimate of the whole run: `less than 1 s`, `about 42 s`. */
export function aboutTimeLeft(seconds: number): string {
  return seconds < 1 ? timeLeft(seconds) : `about ${timeLeft(seconds)}`;
}
