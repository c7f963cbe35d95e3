import type { ArtifactKey } from './types.js';

/** Thrown inside a write whose artifact is no longer needed. */
class NotWanted extends Error {}

interface InFlight {
  key: ArtifactKey;
  /** Never rejects. */
  ended: Promise<void>;
  isWanted: boolean;
}

/** Assumed bytes per second that a disk takes, with hashing and sync, until a write has been measured. */
const assumedRate = 200e6;

/**
 * Writes artifacts in the background, one at a time, so that at most one artifact waits in memory. A failed write is reported and
 * otherwise ignored: its artifact is recomputed when it is needed.
 */
export class BackgroundWrite {
  private inFlight: InFlight | undefined;
  private secondsPerByte = 1 / assumedRate;
  /** What could not be written. The next failures of the same thing are not reported, until a write succeeds. */
  private failed: string | undefined;

  /** @param onFailure called with what could not be written, and why */
  constructor(private readonly onFailure: (what: string, error: Error) => void) {}

  get isBusy(): boolean {
    return this.inFlight !== undefined;
  }

  /** Seconds that it takes to write that many bytes, at the rate of the last write. */
  secondsFor(bytes: number): number {
    return bytes * this.secondsPerByte;
  }

  /** Resolves when nothing is being written. @param keys wait only for these artifacts; for any if absent */
  async idle(keys?: readonly ArtifactKey[]): Promise<void> {
    if (keys === undefined || keys.includes(this.inFlight?.key ?? '')) await this.inFlight?.ended;
  }

  /**
   * Begins a write. No other write may be in flight.
   * @param write must pass the pieces that it writes through `wanted`, which throws when the write is abandoned
   */
  begin(key: ArtifactKey, { what, bytes }: { what: string; bytes: number }, write: (wanted: Wanted) => Promise<void>): void {
    const started = performance.now();
    const current: InFlight = { key, ended: Promise.resolve(), isWanted: true };
    const wanted: Wanted = async function* (pieces) {
      for await (const piece of pieces) {
        if (!current.isWanted) throw new NotWanted();
        yield piece;
      }
    };
    this.inFlight = current;
    current.ended = write(wanted)
      .then(() => {
        this.secondsPerByte = (performance.now() - started) / 1000 / Math.max(1, bytes);
        this.failed = undefined;
      })
      .catch((error: Error) => {
        if (error instanceof NotWanted || this.failed === what) return;
        this.failed = what;
        this.onFailure(what, error);
      })
      .finally(() => { this.inFlight = undefined; });
  }

  /** Stops the write in flight, and removes its partial file. @param keys stop only if it writes one of these artifacts; stop any if absent */
  async abandon(keys?: readonly ArtifactKey[]): Promise<void> {
    const { inFlight } = this;
    if (inFlight === undefined || keys?.includes(inFlight.key) === false) return;
    inFlight.isWanted = false;
    await inFlight.ended;
  }
}

type Wanted = (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
