import { isStopped } from '../files/artifacts/index.js';
import type { Incident } from './result.js';

/** Milliseconds between two checks. */
const lookMs = 500;
/** A process that is late by more than this was stopped, not just busy. */
const heldMs = 5_000;
/** A server that takes longer than this to answer was away. */
const timeoutMs = 1_000;
/** A server that is slow for hours is reported once in this time, unless it was silent for longer than `heldMs`. */
const quietMs = 60_000;
/** Clock corrections smaller than this are normal. */
const jumpMs = 2_000;

export interface IncidentSources {
  /** Process id of the compute process; undefined if there is none. */
  computePid: () => number | undefined;
  /** Asks the Temporal server for a sign of life. Rejects if it does not answer. */
  askServer: () => Promise<unknown>;
  onIncident: (incident: Incident) => void;
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/**
 * Notices events that fail nothing and would leave no trace: a server that was away, a process that was stopped, a clock that was
 * set.
 */
export class IncidentWatch {
  private readonly timer: NodeJS.Timeout;
  private last = { monotonic: performance.now(), wall: Date.now() };
  private stoppedSince: number | undefined;
  private isAsking = false;
  private silentSince: number | undefined;
  private silenceTold = -Infinity;

  constructor(private readonly sources: IncidentSources) {
    this.timer = setInterval(() => {
      this.lookAtClocks();
      this.lookAtCompute();
      void this.lookAtServer();
    }, lookMs);
    this.timer.unref();
  }

  end(): void {
    clearInterval(this.timer);
  }

  private tell(what: string): void {
    this.sources.onIncident({ at: new Date().toISOString(), what });
  }

  private lookAtClocks(): void {
    const now = { monotonic: performance.now(), wall: Date.now() };
    const passed = now.monotonic - this.last.monotonic;
    const jump = now.wall - this.last.wall - passed;
    this.last = now;
    if (passed > lookMs + heldMs) this.tell(`The worker was stopped for ${seconds(passed)}`);
    if (Math.abs(jump) > jumpMs) this.tell(`The worker's clock jumped by ${seconds(jump)}`);
  }

  private lookAtCompute(): void {
    const pid = this.sources.computePid();
    const isHeld = pid !== undefined && isStopped({ pid });
    if (isHeld) this.stoppedSince ??= performance.now();
    else if (this.stoppedSince !== undefined) {
      this.tell(`The compute process was stopped for about ${seconds(performance.now() - this.stoppedSince)}`);
      this.stoppedSince = undefined;
    }
  }

  private async lookAtServer(): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    const asked = performance.now();
    try {
      await this.sources.askServer();
      // The client may retry internally until there is an answer, so a late answer also counts as silence.
      const silence = performance.now() - (this.silentSince ?? asked);
      const isNews = silence > heldMs || performance.now() - this.silenceTold > quietMs;
      if (silence > timeoutMs && isNews) {
        this.tell(`The Temporal server did not answer for ${seconds(silence)}`);
        this.silenceTold = performance.now();
      }
      this.silentSince = undefined;
    } catch {
      this.silentSince ??= asked;
    } finally {
      this.isAsking = false;
    }
  }
}

/** Sends incidents as signals to the runs that were running at the time, as soon as the server accepts them. */
export class IncidentPost {
  private waiting: { run: string; incident: Incident }[] = [];
  private sending: Promise<void> | undefined;

  /** @param send rejects if it fails; the next {@link flush} then retries, unless `isLost` says that it can never succeed */
  constructor(
    private readonly send: (run: string, incident: Incident) => Promise<void>,
    private readonly isLost: (error: unknown) => boolean,
  ) {}

  add(run: string, incident: Incident): void {
    this.waiting.push({ run, incident });
    void this.flush();
  }

  /** Sends the waiting incidents until one fails. */
  flush(): Promise<void> {
    this.sending ??= this.sendAll().finally(() => (this.sending = undefined));
    return this.sending;
  }

  private async sendAll(): Promise<void> {
    try {
      for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
        await this.send(next.run, next.incident).catch((error: unknown) => {
          if (!this.isLost(error)) throw error;
        });
        this.waiting.shift();
      }
    } catch {
      // The server is away. The incident is sent later.
    }
  }
}
