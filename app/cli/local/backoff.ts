/**
 * Pauses between attempts to restart something. They double from half a second to half a minute, and start over after a minute without
 * failure.
 */
export class Backoff {
  private failures = 0;

  /** Returns the pause before the next attempt, in milliseconds. `livedMs`: how long the last one lived. */
  next(livedMs: number): number {
    if (livedMs > 60_000) this.failures = 0;
    const pause = Math.min(500 * 2 ** this.failures, 30_000);
    this.failures += 1;
    return pause;
  }
}
