import type { ActivitySlotInfo, CustomSlotSupplier } from '@temporalio/worker';
import { SeatLostError, SeatTakenError } from './errors.js';

/** Milliseconds without an activity after which a run has lost its seat: it is paused, cancelled, or elsewhere. */
const awayMs = 3_000;
const justMs = 60_000;

/**
 * The one seat of a worker: the run that sits in it has the device and the memory of the compute process to itself. A run
 * takes the seat by the `takeSeat` activity on the shared task queue and keeps it from layer to layer. It is vacant again
 * after the run's last activity, or when nothing has come from the run for a while. A seat is about speed and order: any
 * worker with the same store gives the same bits.
 */
export class Seat {
  private run: string | undefined;
  private left: { run?: string; at: number } = { at: -Infinity };
  private working = 0;
  private closed = false;
  private readonly evicted = new AbortController();
  private away: NodeJS.Timeout | undefined;
  private waiting: (() => void)[] = [];

  /** @param onChange told which run sits here, whenever that changes */
  constructor(private readonly onChange: (run: string | undefined) => void = () => undefined) {}

  /** Seats a run. @throws SeatTakenError if another run was faster, SeatLostError if the worker is shutting down */
  take(run: string): void {
    if (this.closed) throw new SeatLostError('the worker is shutting down');
    if (this.isTakenBy(run)) throw new SeatTakenError();
    this.sit(run);
    this.mayGoAway();
  }

  /**
   * Does a piece of the run's work, which its signal stops when the worker must shut down.
   * @throws SeatLostError if the run does not sit here any more, or was stopped
   */
  async use<T>(run: string, work: (evicted: AbortSignal) => Promise<T>): Promise<T> {
    if (this.closed || this.isTakenBy(run)) {
      if (this.run === run) this.vacate();
      throw new SeatLostError(this.closed ? 'the worker is shutting down' : 'the worker has switched to another run');
    }
    this.sit(run);
    this.working++;
    let isEvicted = false;
    try {
      return await work(this.evicted.signal);
    } catch (error) {
      isEvicted = this.evicted.signal.aborted;
      throw isEvicted ? new SeatLostError('the worker is shutting down') : error;
    } finally {
      this.working--;
      if (isEvicted) this.vacate();
      else this.mayGoAway();
    }
  }

  /** Workflow id of the run that sits here. */
  get present(): string | undefined {
    return this.run;
  }

  /** Workflow id of the run that sits here, or has only just lost its seat: during an outage nothing comes from it, either. */
  get latest(): string | undefined {
    return this.run ?? (performance.now() - this.left.at < justMs ? this.left.run : undefined);
  }

  /** The run needs the worker no longer. */
  leave(run: string): void {
    if (this.run === run && this.working === 0) this.vacate();
  }

  /**
   * Lets no run begin anything here from now on, and resolves when the one that sits here has gone on to another worker.
   * @param graceMs how long its unit in flight may still take; then it is stopped, to be done again elsewhere
   */
  async close(graceMs: number): Promise<void> {
    this.closed = true;
    const timer = setTimeout(() => { this.evicted.abort(); }, graceMs);
    while (this.run !== undefined) await this.change();
    clearTimeout(timer);
  }

  /** Lets the worker ask the shared task queue for a run only while its seat is vacant. */
  slots(): CustomSlotSupplier<ActivitySlotInfo> {
    let isAsking = false;
    return {
      type: 'custom',
      reserveSlot: async (_, signal) => {
        while (isAsking || this.closed || this.run !== undefined) await this.change(signal);
        isAsking = true;
        return {};
      },
      tryReserveSlot: () => null,
      markSlotUsed: () => undefined,
      releaseSlot: () => {
        isAsking = false;
        this.changed();
      },
    };
  }

  private isTakenBy(run: string): boolean {
    return this.run !== undefined && this.run !== run;
  }

  private sit(run: string): void {
    if (this.run !== run) this.onChange(run);
    this.run = run;
    clearTimeout(this.away);
  }

  private mayGoAway(): void {
    clearTimeout(this.away);
    if (this.working === 0) this.away = setTimeout(() => { this.vacate(); }, awayMs);
  }

  private vacate(): void {
    clearTimeout(this.away);
    if (this.run !== undefined) {
      this.left = { run: this.run, at: performance.now() };
      this.onChange(undefined);
    }
    this.run = undefined;
    this.changed();
  }

  private changed(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resume of waiting) resume();
  }

  /** Resolves at the next change. @throws the signal's reason */
  private change(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) {
        abort();
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      this.waiting.push(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
    });
  }
}
