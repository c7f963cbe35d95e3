/** Pauses between attempts to bring something back: doubling from half a second to half a minute, from the start after a good while. */
export class Backoff {
  private failures = 0;

  /** The pause in milliseconds before the next attempt, given how long the last one lived. */
  next(livedMs: number): number {
    if (livedMs > 60_000) this.failures = 0;
    const pause = Math.min(500 * 2 ** this.failures, 30_000);
    this.failures += 1;
    return pause;
  }
}
