import type { ActivitySlotInfo, CustomSlotSupplier } from '@temporalio/worker';
import { SeatLostError, SeatTakenError } from './errors.js';

/** After this many milliseconds without an activity, a run loses its seat: it is paused, cancelled, or on another worker. */
const awayMs = 3_000;
const justMs = 60_000;

/**
 * The single seat of a worker. The run that has it uses the device and the memory of the compute process alone. A run takes
 * the seat with the `takeSeat` activity on the shared task queue and keeps it from layer to layer. The seat becomes vacant
 * after the run's last activity, or when the run has sent no activity for a while. Seats affect only speed and order: any
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

  /** @param onChange called with the run that has the seat, whenever that changes */
  constructor(private readonly onChange: (run: string | undefined) => void = () => undefined) {}

  /** Gives a run the seat. @throws SeatTakenError if another run has it, SeatLostError if the worker is shutting down */
  take(run: string): void {
    if (this.closed) throw new SeatLostError('the worker is shutting down');
    if (this.isTakenBy(run)) throw new SeatTakenError();
    this.sit(run);
    this.mayGoAway();
  }

  /**
   * Runs a piece of the run's work. The signal stops it when the worker must shut down.
   * @throws SeatLostError if the run no longer has the seat, or was stopped
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

  /** Workflow id of the run that has the seat. */
  get present(): string | undefined {
    return this.run;
  }

  /** Workflow id of the run that has the seat or had it within the last minute: during a server outage, a run seems to be gone. */
  get latest(): string | undefined {
    return this.run ?? (performance.now() - this.left.at < justMs ? this.left.run : undefined);
  }

  /** Frees the seat: the run no longer needs the worker. */
  leave(run: string): void {
    if (this.run === run && this.working === 0) this.vacate();
  }

  /**
   * Refuses new work from now on. Resolves when the run that has the seat has moved to another worker.
   * @param graceMs how long the unit in flight may continue. Then it is stopped, and another worker starts it again
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
