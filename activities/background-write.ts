import type { ArtifactKey } from './types.js';

/** Thrown into a write of an artifact that is no longer needed. */
class NotWanted extends Error {}

interface InFlight {
  key: ArtifactKey;
  /** Never rejects. */
  ended: Promise<void>;
  isWanted: boolean;
}

/** Bytes a second that a disk takes, hashed and synced, before it has been measured. */
const assumedRate = 200e6;

/**
 * Writes artifacts alongside the work, one at a time: what waits to be written is then in memory once at most. A write that fails is told and
 * forgotten; whoever needs what it should have written makes it again.
 */
export class BackgroundWrite {
  private inFlight: InFlight | undefined;
  private secondsPerByte = 1 / assumedRate;
  /** What could not be written last: it is tried again, and told once. */
  private failed = '';

  /** @param onFailure told what could not be written, and why */
  constructor(private readonly onFailure: (what: string, error: Error) => void) {}

  get isBusy(): boolean {
    return this.inFlight !== undefined;
  }

  /** Seconds that writing so many bytes takes, by the last write. */
  secondsFor(bytes: number): number {
    return bytes * this.secondsPerByte;
  }

  /** Resolves when nothing is being written. @param keys of which artifacts; whichever it is if absent */
  async idle(keys?: readonly ArtifactKey[]): Promise<void> {
    if (keys === undefined || keys.includes(this.inFlight?.key ?? '')) await this.inFlight?.ended;
  }

  /**
   * Begins a write. Nothing else may be in flight.
   * @param write passes the pieces that it writes through `wanted`, which ends it when it is abandoned
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
      .then(() => { this.secondsPerByte = (performance.now() - started) / 1000 / Math.max(1, bytes); })
      .catch((error: Error) => {
        if (error instanceof NotWanted || this.failed === what) return;
        this.failed = what;
        this.onFailure(what, error);
      })
      .finally(() => { this.inFlight = undefined; });
  }

  /** Ends the write in flight, and removes what there is of it. @param keys of which artifacts; whichever it is if absent */
  async abandon(keys?: readonly ArtifactKey[]): Promise<void> {
    const { inFlight } = this;
    if (inFlight === undefined || keys?.includes(inFlight.key) === false) return;
    inFlight.isWanted = false;
    await inFlight.ended;
  }
}

type Wanted = (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
